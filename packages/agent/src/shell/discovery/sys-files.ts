import { readdirSync, readFileSync } from "node:fs";

/** The trimmed text of a file under /proc or /sys; null where it is missing, empty or refused. */
export function readSys(file: string): string | null {
  try {
    const text = readFileSync(file, "utf8").trim();
    return text === "" ? null : text;
  } catch {
    return null; // absent on this hardware, or EINVAL from a driver that does not know
  }
}

/** A non-negative number in such a file; null for anything else, also for -1, "unknown". */
export function readSysNumber(file: string): number | null {
  const text = readSys(file);
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

export function listSys(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

const BYTES_PER_MIB = 1024 * 1024;

export function wholeMiB(bytes: number): number {
  return Math.floor(bytes / BYTES_PER_MIB);
}
