import type { Command } from "commander";
import type { DrainOptions } from "../commands/node.ts";
import { duration, type Run } from "./options.ts";

const NODE = "a node's name, or the beginning of its id";

/** `berth node …`: looking at nodes, and taking them out of use and back. */
export function addNodeCommands(program: Command, run: Run): void {
  const node = program.command("node").description("Look at nodes, and take them out of use.");
  addLooks(node, run);

  node
    .command("cordon")
    .argument("<node>", NODE)
    .description("Place nothing new on it; what runs there stays.")
    .option("--reason <text>", "shown to whoever looks")
    .action((name: string, options: { reason?: string }, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/node.ts")).cordon(context, name, options.reason ?? null),
      ),
    );
  node
    .command("uncordon")
    .argument("<node>", NODE)
    .description("Use it again; ends a drain.")
    .action((name: string, _options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/node.ts")).uncordon(context, name),
      ),
    );
  node
    .command("drain")
    .argument("<node>", NODE)
    .description("Cordon it and move what runs there elsewhere.")
    .option(
      "--deadline <duration>",
      "then stop what is left, whatever its update rule says",
      duration,
    )
    .option("--ignore-system", "leave system workloads where they are")
    .option("--reason <text>", "shown to whoever looks")
    .option("-w, --wait", "until nothing runs there any more")
    .option("-t, --timeout <duration>", "how long to wait", duration, 600_000)
    .addHelpText(
      "after",
      "\nCtrl-C stops the waiting, not the drain; `berth node uncordon` ends it.",
    )
    .action((name: string, options: DrainOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/node.ts")).drain(context, name, options),
      ),
    );
  node
    .command("rm")
    .argument("<node>", NODE)
    .description("Forget a node that is down and has nothing left on it.")
    .action((name: string, _options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/node.ts")).remove(context, name)),
    );
}

/** Those that change nothing. */
function addLooks(node: Command, run: Run): void {
  node
    .command("ls")
    .description("List nodes.")
    .action((_options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/list.ts")).list(context, "nodes", {}),
      ),
    );
  node
    .command("show")
    .argument("<node>", NODE)
    .description("Everything about one node.")
    .option("--hardware", "what is in its server, near what, how it is, and what the system offers")
    .action((name: string, options: { hardware?: true }, command: Command) =>
      run(command, async (context) =>
        options.hardware
          ? (await import("../commands/show-hardware.ts")).showHardware(context, name)
          : (await import("../commands/show.ts")).showNode(context, name),
      ),
    );
}
