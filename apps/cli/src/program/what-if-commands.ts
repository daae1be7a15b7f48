import type { Command } from "commander";
import type { RebalanceOptions } from "../commands/rebalance.ts";
import type { ResizeOptions } from "../commands/what-if.ts";
import {
  bandwidth,
  cores,
  duration,
  examples,
  memory,
  moveCount,
  nodeCount,
  type Run,
  wholeNumber,
} from "./options.ts";

/** Looking ahead, and making better use of what is there. */
export function addWhatIfCommands(program: Command, run: Run): void {
  const whatIf = program
    .command("what-if")
    .description("What the cluster would come to: moves, what finds no place, room left.")
    .addHelpText(
      "after",
      `${examples(`
        berth what-if drain r1-s01 r1-s02
        berth what-if lose rack=r1
        berth what-if add 4 --like r1-s01
        berth what-if submit train.yaml
        berth what-if resize web --count 30 --memory 2GiB`)}

Worked out by the scheduler itself, on a copy of the state as it is. Nothing is changed.
Exit code: 0 all of it has a place, 2 something would have none.`,
    );
  addHypotheses(whatIf, run);

  program
    .command("rebalance")
    .description("Move what may be moved, so that less of the cluster is stranded.")
    .option("--plan", "show the moves and what they gain; change nothing (the default)")
    .option("--apply", "make the moves, one after the other")
    .option("--for <workload>", "make room for what waits of this workload")
    .option("--moves <count>", "at most so many", moveCount, 20)
    .option("-t, --timeout <duration>", "how long to wait for each replacement", duration, 300_000)
    .addHelpText(
      "after",
      `${examples(`
        berth rebalance
        berth rebalance --for train --moves 5
        berth rebalance --for train --apply`)}

Only workloads that say \`movable: true\` are touched, and never more of one at once than its
disruption budget allows. Ctrl-C ends it after the current move; a second one at once.
Exit code: of a plan 0 nothing to move, 3 moves found, 2 not enough room can be made;
with --apply 0 all moves made, 2 some were not, 7 a replacement did not serve in time.`,
    )
    .action((options: RebalanceOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/rebalance.ts")).rebalance(context, options),
      ),
    );
}

function addHypotheses(whatIf: Command, run: Run): void {
  const load = () => import("../commands/what-if.ts");
  whatIf
    .command("drain")
    .argument("<node...>", "names of nodes, or beginnings of their ids")
    .description("If these nodes were drained.")
    .action((nodes: string[], _options: object, command: Command) =>
      run(command, async (context) => (await load()).whatIfDrain(context, nodes)),
    );
  whatIf
    .command("lose")
    .argument("<node...>", "names of nodes, or one label as key=value for all that have it")
    .description("If these nodes were gone at once.")
    .addHelpText("after", examples("berth what-if lose rack=r1"))
    .action((what: string[], _options: object, command: Command) =>
      run(command, async (context) => (await load()).whatIfLose(context, what)),
    );
  whatIf
    .command("add")
    .argument("<count>", "how many", nodeCount)
    .requiredOption("--like <node>", "the node that they are like")
    .description("If more nodes joined.")
    .action((count: number, options: { like: string }, command: Command) =>
      run(command, async (context) => (await load()).whatIfAdd(context, count, options)),
    );
  whatIf
    .command("submit")
    .argument("<file...>", "YAML or JSON files; - is standard input")
    .description("If these workloads were applied, everything else considered.")
    .action((files: string[], _options: object, command: Command) =>
      run(command, async (context) => (await load()).whatIfSubmit(context, files)),
    );
  whatIf
    .command("resize")
    .argument("<workload>", "a workload, as name or project/name")
    .description("If a workload asked for more, or for less.")
    .option("--count <count>", "instances", wholeNumber)
    .option("--cpu <cores>", "of each, such as 500m or 2", cores)
    .option("--memory <amount>", "of each, such as 2GiB", memory)
    .option("--disk <amount>", "of each, such as 10GiB", memory)
    .option("--network <bandwidth>", "of each, such as 100Mbps", bandwidth)
    .option("--gpus <count>", "of each; 0 for none", wholeNumber)
    .action((workload: string, options: ResizeOptions, command: Command) =>
      run(command, async (context) => (await load()).whatIfResize(context, workload, options)),
    );
}
