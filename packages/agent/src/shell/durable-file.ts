import {
  closeSync,
  fdatasync,
  fsync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const PRIVATE = 0o600;

/** Replaces a file at once: readers see the old or the new one, also after this process is killed. */
export function replaceFile(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  const descriptor = openSync(temporary, "w", PRIVATE);
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/**
 * The same, and on the disk when it resolves: survives the loss of power as well. Only the waits
 * for the disk leave the thread: a start is made of few steps that can be late.
 */
export async function replaceFileDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const descriptor = openSync(temporary, "w", PRIVATE);
  try {
    writeSync(descriptor, text);
    await flushData(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const folder = openSync(path.dirname(file), "r");
  try {
    await flush(folder);
  } finally {
    closeSync(folder);
  }
}

const flush = promisify(fsync);
const flushData = promisify(fdatasync);

/** The text of a file; null when there is none. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    if (isAbsence(cause)) return null;
    throw cause;
  }
}

/** Whether a system error says that there is no such file. */
export function isAbsence(cause: unknown): boolean {
  const code = errnoOf(cause);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** The code of a system error, such as `ENOENT`; null for anything else. */
export function errnoOf(cause: unknown): string | null {
  if (!(cause instanceof Error) || !("code" in cause)) return null;
  return typeof cause.code === "string" ? cause.code : null;
}
