import { resolve } from "node:path";

/** A path that somebody typed: relative to where npm was called. */
export function fromCaller(path: string): string {
  return resolve(process.env["INIT_CWD"] ?? process.cwd(), path);
}
