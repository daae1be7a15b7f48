import { Argument, type Command, Option } from "commander";
import type { EventsOptions } from "../commands/events.ts";
import type { ListOptions } from "../commands/list.ts";
import type { TopOptions } from "../commands/top.ts";
import { atLeast, duration, examples, type ListKind, listKinds, type Run } from "./options.ts";

/** What only looks. */
export function addReadCommands(program: Command, run: Run): void {
  program
    .command("status")
    .description("The cluster in a few lines; all of it in numbers with --json.")
    .addOption(atLeast())
    .action((_options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/status.ts")).status(context)),
    );

  program
    .command("ls")
    .addArgument(new Argument("[what]").choices(listKinds).default("workloads"))
    .description("List workloads, allocations or nodes.")
    .addOption(atLeast())
    .option("-a, --all", "ended allocations too")
    .option("-p, --project <project>", "only workloads of this project")
    .option("--workload <name>", "only allocations of this workload")
    .option("--node <node>", "only allocations on this node")
    .addHelpText(
      "after",
      examples(`
        berth ls
        berth ls allocations --workload web --all
        berth ls nodes -o wide`),
    )
    .action((what: ListKind, options: ListOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/list.ts")).list(context, what, options),
      ),
    );

  program
    .command("show")
    .argument("<name>", "a workload, an allocation (a42) or a node")
    .description("Everything about one workload, allocation or node.")
    .addOption(atLeast())
    .action((name: string, _options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/show.ts")).show(context, name)),
    );

  program
    .command("why")
    .argument("<name>", "a workload")
    .description("Why it waits, with every node counted once; or why it is where it is.")
    .addOption(atLeast())
    .action((name: string, _options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/why.ts")).why(context, name)),
    );

  program
    .command("events")
    .description("What happened, oldest first.")
    .option("-f, --follow", "go on as more happens")
    .option("--since <duration>", "only the last 5m, 2h, ...", duration)
    .option("--workload <name>", "only of this workload")
    .option("--node <node>", "only of this node")
    .action((options: EventsOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/events.ts")).events(context, options),
      ),
    );

  program
    .command("top")
    .description("Nodes and allocations live: what they use of what they were granted.")
    .option("--once", "one picture, then end")
    .addOption(
      new Option("--sort <column>", "order of the allocations")
        .choices(["cpu", "memory"])
        .default("cpu"),
    )
    .action((options: TopOptions, command: Command) =>
      run(command, async (context) => (await import("../commands/top.ts")).top(context, options)),
    );
}
