import { Argument, type Command, Option } from "commander";
import type { DownOptions } from "../commands/down.ts";
import type { ServiceFlags, ServiceName } from "../commands/service.ts";
import type { UpOptions } from "../commands/up.ts";
import { type Shell, shells } from "../completion/shells.ts";
import {
  addNodeOptions,
  duration,
  examples,
  keyValue,
  portNumber,
  portRange,
  replicaCount,
  type Run,
} from "./options.ts";

/** The cluster on this machine, and each of its parts alone. */
export function addClusterCommands(program: Command, run: Run): void {
  addNodeOptions(program.command("up"))
    .description("Run a whole cluster on this machine, on loopback only.")
    .option("-d, --detach", "return once it is ready; it goes on in the background")
    .option("--port <port>", "the console's port (default: 7480, or the next free one)", portNumber)
    .option("--nats-port <port>", "default: 7422, or the next free one", portNumber)
    .option("--task-ports <from-to>", "ports for tasks (default: 500 of 20000-31999)", portRange)
    .option(
      "--replicas <count>",
      "servers that keep the log, each with a scheduler: 1 or 3 (default: as the home has, else 1)",
      replicaCount,
    )
    .option("--retention <duration>", "keep the log's entries for (default: 7d)", duration)
    .option("--no-examples", "do not submit the examples on the first start")
    .option("--stop-tasks", "at the end stop the tasks too, which else go on and are found again")
    .addHelpText(
      "after",
      examples(`
        berth up
        berth up --detach && berth status
        berth up --replicas 3
        BERTH_HOME=/srv/second berth up --port 9000`),
    )
    .action((options: UpOptions, command: Command) =>
      run(command, async (context) => (await import("../commands/up.ts")).up(context, options)),
    );

  program
    .command("down")
    .description("Stop the cluster on this machine. Its tasks go on unless told otherwise.")
    .option("--tasks", "stop the tasks too; works also when the cluster is not running")
    .action((options: DownOptions, command: Command) =>
      run(command, async (context) => (await import("../commands/down.ts")).down(context, options)),
    );

  program
    .command("version")
    .description("The version of this command and of the cluster, if it answers.")
    .action((_options: object, command: Command) =>
      run(command, async (context) => (await import("../commands/version.ts")).version(context)),
    );

  program
    .command("completion")
    .addArgument(new Argument("<shell>").choices(shells))
    .description("Print a completion script.")
    .addHelpText(
      "after",
      examples(`
        berth completion bash > ~/.local/share/bash-completion/completions/berth
        berth completion zsh > ~/.zfunc/_berth
        berth completion fish > ~/.config/fish/completions/berth.fish`),
    )
    .action((shell: Shell, _options: object, command: Command) =>
      run(command, async (context) =>
        (await import("../commands/completion.ts")).completion(context, program, shell),
      ),
    );

  addServiceCommands(program, run);
}

/** One part of a cluster alone: what `berth up` runs for itself, for servers of their own. */
function addServiceCommands(program: Command, run: Run): void {
  const services: readonly (readonly [name: ServiceName, description: string])[] = [
    ["scheduler", "Run a scheduler."],
    ["agent", "Run the agent of this server."],
    ["gateway", "Run the console's server."],
  ];
  for (const [name, description] of services) {
    const command = program
      .command(name)
      .description(description)
      .option("--server <url>", "nats://host:port, several with commas (default: the home's own)")
      .option("--credentials <file>", "nkey seed, mode 0600 (default: the home's own)");
    if (name === "agent") {
      addNodeOptions(command)
        .option("--state <folder>", "where tasks run and their records live (default: in the home)")
        .option("--name <name>", "the node's name (default: the host's)")
        .option("--meta <key=value>", "handed to tasks as BERTH_META_<key>", keyValue)
        .option("--task-ports <from-to>", "ports for tasks", portRange);
    }
    if (name === "scheduler") {
      command
        .option(
          "--replicas <count>",
          "servers that are to keep the log: 1 or 3 (default: as it is)",
          replicaCount,
        )
        .option("--snapshots <folder>", "for second copies of snapshots (default: in the home)")
        .option("--retention <duration>", "keep the log's entries for (default: 7d)", duration);
    }
    if (name === "gateway")
      command.addOption(new Option("--port <port>", "on loopback").argParser(portNumber));
    command.action((options: ServiceFlags, self: Command) =>
      run(self, async (context) =>
        (await import("../commands/service.ts")).service(context, name, options),
      ),
    );
  }
}
