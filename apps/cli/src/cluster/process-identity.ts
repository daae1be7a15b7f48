import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { ProcessIdentity } from "./cluster-file.ts";

export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTime: readStartTime(pid) };
}

/** Whether exactly this process still runs: a later one of the same number does not count. */
export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  const now = readStartTime(pid);
  return now !== null && now === startTime;
}

/** Null when there is no such process, or it is a zombie. */
function readStartTime(pid: number): string | null {
  if (process.platform !== "linux") return readStartTimeFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name, in parentheses, may hold anything; the fields after it are fixed (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTicks] = [fields[0], fields[19]];
    if (state === "Z" || state === "X" || startTicks === undefined) return null;
    return `${bootId()}/${startTicks}`;
  } catch {
    return null;
  }
}

/** Ticks count from the boot, so that they say nothing without it. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").slice(0, 8);
}

function readStartTimeFromPs(pid: number): string | null {
  try {
    const text = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.trim() || null;
  } catch {
    return null;
  }
}
