import type { Command } from "commander";
import type { ApplyOptions } from "../commands/apply.ts";
import type { LogsOptions } from "../commands/logs.ts";
import type { StopOptions } from "../commands/stop.ts";
import { duration, examples, type Run, wholeNumber } from "./options.ts";

const FILES = "YAML or JSON files, each with one or more workloads; - is standard input";

/** What changes workloads, and what follows one. */
export function addWorkloadCommands(program: Command, run: Run): void {
  program
    .command("apply")
    .argument("<file...>", FILES)
    .description("Make the cluster run what the files say.")
    .option("-w, --wait", "until all of it is healthy (service, system) or complete (batch)")
    .option("-t, --timeout <duration>", "how long to wait", duration, 300_000)
    .addHelpText(
      "after",
      `${examples(`
        berth apply web.yaml
        berth apply web.yaml jobs.yaml --wait --timeout 2m
        kustomize build . | berth apply - --json`)}

With --wait the exit code is 0 when all of it is healthy or complete, 1 when some of it failed, and
when the time is up 2 if some of it does not fit, else 7. What does not fit keeps waiting for room:
the reason is shown at once, and work is placed as soon as there is space.`,
    )
    .action((files: string[], options: ApplyOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/apply.ts")).apply(context, files, options),
      ),
    );

  program
    .command("plan")
    .argument("<file...>", FILES)
    .description("Show what apply would change and where it would go. Changes nothing.")
    .addHelpText(
      "after",
      `${examples("berth plan web.yaml && echo nothing to do")}

Exit code: 0 no change, 3 changes that all fit, 2 changes of which some do not fit.`,
    )
    .action((files: string[], _options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/plan.ts")).plan(context, files)),
    );

  program
    .command("validate")
    .argument("<file...>", FILES)
    .description("Check the files without a cluster.")
    .action((files: string[], _options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/validate.ts")).validate(context, files),
      ),
    );

  addEndingCommands(program, run);

  program
    .command("logs")
    .argument("<name>", "a workload, or an allocation such as a42")
    .description("Show what tasks wrote. Works for ended ones too.")
    .option("-f, --follow", "go on as more is written, across restarts")
    .option("-n, --tail <lines>", "start this many lines before the end", wholeNumber)
    .option("-i, --index <index>", "only this instance of the workload", wholeNumber)
    .option("--stdout", "only standard output")
    .option("--stderr", "only standard error")
    .addHelpText(
      "after",
      examples(`
        berth logs web -f
        berth logs word-count
        berth logs a42 --stderr --tail 20`),
    )
    .action((name: string, options: LogsOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/logs.ts")).logs(context, name, options),
      ),
    );
}

function addEndingCommands(program: Command, run: Run): void {
  program
    .command("stop")
    .argument("<name...>", "workloads, as name or project/name")
    .description("Stop workloads; they stay known, and apply starts them again.")
    .option("-w, --wait", "until nothing of them runs any more")
    .option("-t, --timeout <duration>", "how long to wait", duration, 60_000)
    .action((names: string[], options: StopOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/stop.ts")).stop(context, names, options),
      ),
    );

  program
    .command("rm")
    .argument("<name...>", "workloads, as name or project/name")
    .description("Stop workloads and forget them, their history included.")
    .option("-w, --wait", "until they are gone")
    .option("-t, --timeout <duration>", "how long to wait", duration, 60_000)
    .action((names: string[], options: StopOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/stop.ts")).remove(context, names, options),
      ),
    );
}
