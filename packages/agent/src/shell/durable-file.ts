import { closeSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import path from "node:path";

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

/** The same, and on the disk when it resolves: survives the loss of power as well. */
export async function replaceFileDurably(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, "w", PRIVATE);
  try {
    await handle.writeFile(text);
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  const folder = await open(path.dirname(file), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

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
