import { Command, Option } from "commander";
import { findHome } from "./cluster/home.ts";
import { Context, type OutputFormat, outputFormats } from "./context.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./output/terminal.ts";
import { addClusterCommands } from "./program/cluster-commands.ts";
import { addLogCommands } from "./program/log-commands.ts";
import { addNodeCommands } from "./program/node-commands.ts";
import type { Run } from "./program/options.ts";
import { addPolicyCommands } from "./program/policy-commands.ts";
import { addReadCommands } from "./program/read-commands.ts";
import { addWhatIfCommands } from "./program/what-if-commands.ts";
import { addWorkloadCommands } from "./program/workload-commands.ts";
import { VERSION } from "./version.ts";

/**
 * The whole command tree. Only declarations are loaded here; the body of a command is imported
 * when it runs, so that `berth apply` does not pay for `berth up`.
 */
export function buildProgram(terminal: Terminal, onExit: (code: ExitCode) => void): Command {
  const program = new Command("berth")
    .description("Turns servers into one machine that you submit work to.")
    .version(VERSION, "-V, --version")
    .option("--home <folder>", "the cluster's home (default: $BERTH_HOME, or the nearest .berth)")
    .option("--json", "the same as -o json")
    .addOption(new Option("-o, --output <format>", "form of the output").choices(outputFormats))
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      writeErr: (text) => terminal.notes.write(text),
    })
    .showHelpAfterError("(berth --help lists the commands)")
    .addHelpText("after", GUIDE)
    .exitOverride();

  const run: Run = async (command, body) => {
    const context = contextOf(command, terminal);
    try {
      onExit(await body(context));
    } finally {
      context.close();
    }
  };
  addWorkloadCommands(program, run);
  addReadCommands(program, run);
  addWhatIfCommands(program, run);
  addNodeCommands(program, run);
  addClusterCommands(program, run);
  addPolicyCommands(program, run);
  addLogCommands(program, run);
  return program;
}

const GUIDE = `
Start here:
  berth up                          a cluster on this machine
  berth apply web.yaml --wait       submit a workload and see it run
  berth why web                     why it waits, or why it is where it is
  berth logs web -f

Exit codes: 0 done  1 error  2 blocked or partly placed  3 changes found (plan)  4 denied
            5 not found  6 stale sequence  7 timeout  130 interrupted`;

interface GlobalOptions {
  readonly home?: string;
  readonly json?: true;
  readonly output?: OutputFormat;
  /** Of commands that read. */
  readonly atLeast?: number;
}

function contextOf(command: Command, terminal: Terminal): Context {
  const { home, json, output, atLeast } = command.optsWithGlobals<GlobalOptions>();
  return new Context({
    terminal,
    format: json ? "json" : (output ?? "table"),
    home: findHome(home, process.env, process.cwd()),
    atLeastSeq: atLeast,
  });
}
