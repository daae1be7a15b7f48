import { type Command, InvalidArgumentError, Option } from "commander";
import type { ProjectSetOptions } from "../commands/project.ts";
import type { ReserveOptions } from "../commands/reservation.ts";
import { examples, moment, quotaAmounts, type Run, wholeNumber } from "./options.ts";

/** Who may use how much of the cluster, and in which order. */
export function addPolicyCommands(program: Command, run: Run): void {
  addProjectCommands(program, run);
  addPoolCommands(program, run);
  addReservationCommands(program, run);
  program
    .command("queue")
    .description("What waits, next first: why, its project's share, and when it starts.")
    .option("-p, --project <project>", "only of this project")
    .action((options: { project?: string }, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/queue.ts")).queue(context, options.project ?? null),
      ),
    );
}

function addProjectCommands(program: Command, run: Run): void {
  const project = program
    .command("project")
    .description("Shares, guarantees and limits of projects.");
  project
    .command("ls")
    .description("List projects with what they use.")
    .action((_options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/project.ts")).listProjects(context),
      ),
    );
  project
    .command("set")
    .argument("<project>")
    .description("Configure a project. What is not mentioned stays as it is.")
    .option(
      "--parent <project>",
      "its share and limits are part of that project's; none: of nobody's",
    )
    .addOption(
      new Option("--weight <number>", "its share relative to its siblings'").argParser(wholeNumber),
    )
    .addOption(
      new Option(
        "--guarantee <cpu=,memory=,gpu=>",
        "what it can always get back; none takes a guarantee away",
      ).argParser(quotaAmounts),
    )
    .addOption(
      new Option(
        "--limit <cpu=,memory=,gpu=>",
        "what it never exceeds, with everything below it; none takes a limit away",
      ).argParser(quotaAmounts),
    )
    .option("--borrow", "it may use what others leave (as it is at first)")
    .option("--no-borrow", "its guarantee is its limit")
    .addHelpText(
      "after",
      examples(`
        berth project set science --weight 3 --limit cpu=400,gpu=32
        berth project set physics --parent science --guarantee gpu=8,memory=1TiB
        berth project set physics --limit gpu=none`),
    )
    .action((name: string, options: ProjectSetOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/project.ts")).setProject(context, name, options),
      ),
    );
  project
    .command("rm")
    .argument("<project>")
    .description("Forget a project's configuration. Its workloads stay.")
    .action((name: string, _options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/project.ts")).removeProject(context, name),
      ),
    );
}

function addPoolCommands(program: Command, run: Run): void {
  const pool = program.command("pool").description("Pools of nodes.");
  pool
    .command("ls")
    .description("List pools.")
    .action((_options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/pool.ts")).listPools(context)),
    );
  pool
    .command("set")
    .argument("<pool>")
    .description("Say how often the cores of a pool's nodes are granted.")
    .requiredOption("--cpu-overcommit <times>", "1: once; 1.5: half as many again", (text) => {
      if (!/^\d+(\.\d+)?$/.test(text))
        throw new InvalidArgumentError("Write a number, such as 1.5.");
      return Number(text);
    })
    .action((name: string, { cpuOvercommit }: { cpuOvercommit: number }, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/pool.ts")).setPool(context, name, cpuOvercommit),
      ),
    );
}

function addReservationCommands(program: Command, run: Run): void {
  program
    .command("reserve")
    .argument("<nodes>", "how many", wholeNumber)
    .description("Hold nodes for a project from one moment to another.")
    .requiredOption("-p, --project <project>", "whose workloads may use them")
    .addOption(
      new Option("--from <moment>", "2027-03-01T08:00, +2h or now")
        .argParser(moment)
        .default("now"),
    )
    .addOption(
      new Option("--to <moment>", "2027-03-01T18:00, or +10h")
        .argParser(moment)
        .makeOptionMandatory(),
    )
    .addOption(new Option("--gpus <count>", "least GPUs of each node").argParser(wholeNumber))
    .option(
      "--constraint <expression>",
      "that each node meets; may be repeated",
      (text: string, before: string[] | undefined) => [...(before ?? []), text],
    )
    .addHelpText(
      "after",
      examples(`
        berth reserve 4 -p physics --from +12h --to +20h --gpus 8
        berth reserve 1 -p demo --to +2h --constraint "node.labels.rack == a"`),
    )
    .action((nodes: number, options: ReserveOptions, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/reservation.ts")).reserve(context, nodes, options),
      ),
    );
  const reservation = program.command("reservation").description("Reservations of nodes.");
  reservation
    .command("ls")
    .description("List reservations, and the nodes that are kept for them.")
    .action((_options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/reservation.ts")).listReservations(context),
      ),
    );
  reservation
    .command("rm")
    .argument("<id>", "such as r3")
    .description("Give up a reservation.")
    .action((id: string, _options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/reservation.ts")).removeReservation(context, id),
      ),
    );
}
