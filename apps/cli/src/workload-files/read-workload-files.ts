import { readFile, stat } from "node:fs/promises";
import { BerthError, limits } from "@berth/protocol";
import type { FileProblem, WorkloadDocument } from "./workload-document.ts";

const STDIN = "-";

/**
 * The documents of all files, in order; `-` is standard input. Rejects with a `BerthError` when a
 * file cannot be read, and with a `WorkloadFileError` that lists every mistake of every file.
 */
export async function readWorkloadFiles(paths: readonly string[]): Promise<WorkloadDocument[]> {
  const { parseWorkloadFile } = await import("./parse-workload-file.ts");
  const documents: WorkloadDocument[] = [];
  const problems: FileProblem[] = [];
  for (const path of paths) {
    const file = path === STDIN ? "<stdin>" : path;
    const parsed = parseWorkloadFile(file, await readText(path));
    documents.push(...parsed.documents);
    problems.push(...parsed.problems);
  }
  if (problems.length > 0) throw new WorkloadFileError(problems);
  return documents;
}

/** Files that cannot be submitted, with every problem and its place in them. */
export class WorkloadFileError extends BerthError {
  readonly fileProblems: readonly FileProblem[];

  constructor(problems: readonly FileProblem[]) {
    const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super("spec.invalid", `${count}; nothing was changed`);
    this.fileProblems = problems;
  }
}

async function readText(path: string): Promise<string> {
  const text = path === STDIN ? await readStdin() : await readRegularFile(path);
  if (Buffer.byteLength(text) > limits.workloadFileBytesMax) throw tooLarge(path);
  return text;
}

async function readRegularFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > limits.workloadFileBytesMax) throw tooLarge(path);
    return await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof BerthError) throw cause;
    const code = cause instanceof Error && "code" in cause ? cause.code : null;
    if (code === "ENOENT") throw new BerthError("invalid", `there is no file ${path}`, { cause });
    if (code === "EISDIR")
      throw new BerthError("invalid", `${path} is a folder: name its files`, { cause });
    throw new BerthError("invalid", `cannot read ${path}: ${String(code ?? cause)}`, { cause });
  }
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > limits.workloadFileBytesMax) throw tooLarge("standard input");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function tooLarge(path: string): BerthError {
  return new BerthError("invalid", `${path} is larger than ${limits.workloadFileBytesMax} bytes`, {
    hint: "Split it: a file may hold many workloads, and a command takes many files.",
  });
}
