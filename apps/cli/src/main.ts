import { CommanderError } from "commander";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { reportError } from "./output/report-error.ts";
import { processTerminal } from "./output/terminal.ts";
import { buildProgram } from "./program.ts";

/** Runs one command line and ends the process with its exit code. */
export async function main(args: readonly string[]): Promise<never> {
  endQuietlyWithoutReader();
  const terminal = processTerminal(process.env);
  let exitCode: ExitCode = exitCodes.done;
  const program = buildProgram(terminal, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (cause) {
    exitCode =
      cause instanceof CommanderError
        ? usageExit(cause)
        : reportError(terminal, wantsJson(args), cause);
  }
  return process.exit(exitCode);
}

/** `berth events | head -1`: the reader is gone, and nothing is wrong. */
function endQuietlyWithoutReader(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", (error: NodeJS.ErrnoException) => {
      process.exit(error.code === "EPIPE" ? exitCodes.done : exitCodes.error);
    });
  }
}

/** Commander has printed what there is to say: help, the version, or what is wrong with the usage. */
function usageExit(cause: CommanderError): ExitCode {
  return cause.exitCode === 0 ? exitCodes.done : exitCodes.error;
}

function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  return options.some(
    (arg, at) =>
      arg === "--json" ||
      /^(-o|--output=)jsonl?$/.test(arg) ||
      ((arg === "-o" || arg === "--output") && /^jsonl?$/.test(options[at + 1] ?? "")),
  );
}
