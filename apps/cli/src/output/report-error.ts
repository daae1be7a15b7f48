import { BerthError } from "@berth/protocol";
import { type ExitCode, exitCodeOf } from "../exit-codes.ts";
import { type FileProblem } from "../workload-files/workload-document.ts";
import { WorkloadFileError } from "../workload-files/read-workload-files.ts";
import { makeHarmless } from "./harmless-text.ts";
import type { Terminal, TextStream } from "./terminal.ts";

/** Says what went wrong, for people on `notes` or as `{"error":{…}}` on `out`. */
export function reportError(terminal: Terminal, isJson: boolean, cause: unknown): ExitCode {
  const error = describe(cause);
  if (isJson) {
    terminal.out.write(`${JSON.stringify({ error: jsonOf(error) }, null, 2)}\n`);
  } else {
    terminal.notes.write(textOf(terminal.notes, error));
  }
  return exitCodeOf(error.code);
}

/** Parts loaded from other builds bring their own copy of the class: the shape decides. */
function describe(cause: unknown): BerthError {
  if (cause instanceof BerthError) return cause;
  if (cause instanceof Error && cause.name === "BerthError" && "toWire" in cause) {
    return BerthError.fromWire((cause as BerthError).toWire());
  }
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new BerthError("internal", message, { hint: "This is a bug in Berth.", cause });
}

function jsonOf(error: BerthError): unknown {
  const { code, message, hint, retryable, details } = error;
  const problems = error instanceof WorkloadFileError ? error.fileProblems : error.problems;
  return { code, message, hint, retryable, details, problems };
}

function textOf(notes: TextStream, error: BerthError): string {
  const lines: string[] = [];
  if (error instanceof WorkloadFileError) {
    for (const problem of error.fileProblems) lines.push(...problemLines(notes, problem));
  } else {
    for (const problem of error.problems) lines.push(...fieldLines(notes, problem));
  }
  lines.push(`${notes.paint("red", "error")}: ${makeHarmless(error.message)}`);
  if (error.hint !== null) lines.push(`  ${makeHarmless(error.hint)}`);
  return lines.map((line) => `${line}\n`).join("");
}

function problemLines(notes: TextStream, problem: FileProblem): string[] {
  const { file, line, column } = problem;
  const where = notes.paint("bold", `${file}:${line}:${column}`);
  const [what = "", ...remedy] = fieldLines(notes, problem);
  return [`${where}  ${what}`, ...remedy];
}

function fieldLines(
  notes: TextStream,
  { path, message, value, suggestion }: Omit<FileProblem, "file" | "line" | "column">,
): string[] {
  const field = path.length === 0 ? "" : `${notes.paint("cyan", fieldText(path))}: `;
  const found = value === null ? "" : ` (found ${makeHarmless(value)})`;
  return [
    `${field}${makeHarmless(message)}${found}`,
    ...(suggestion === null ? [] : [`    ${makeHarmless(suggestion)}`]),
  ];
}

/** What an accepted submission was warned of, at its places in the files. */
export function printWarnings({ notes }: Terminal, warnings: readonly FileProblem[]): void {
  for (const warning of warnings) {
    const [where = "", ...remedy] = problemLines(notes, warning);
    const text = [`${notes.paint("yellow", "warning")}: ${where}`, ...remedy].join("\n");
    notes.write(`${text}\n`);
  }
}

function fieldText(path: readonly (string | number)[]): string {
  return path
    .map((key, at) => (typeof key === "number" ? `[${key}]` : at === 0 ? key : `.${key}`))
    .join("");
}
