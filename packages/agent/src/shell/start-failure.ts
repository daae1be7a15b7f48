import { errnoOf } from "./durable-file.ts";

/** Why something could not be started, for people. */
export function describeFailure(cause: unknown): string {
  const code = errnoOf(cause);
  if (isDiskFull(cause)) return `the disk is full (${code}); delete something, or raise the quota`;
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return `the agent may not write its state folder (${code})`;
  }
  return cause instanceof Error ? cause.message : String(cause);
}

export function isDiskFull(cause: unknown): boolean {
  const code = errnoOf(cause);
  return code === "ENOSPC" || code === "EDQUOT";
}
