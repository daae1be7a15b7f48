import { setTimeout as delay } from "node:timers/promises";
import type { ClusterFile, ProcessIdentity } from "../cluster/cluster-file.ts";
import { isRunning } from "../cluster/process-identity.ts";

const PATIENCE_MS = 5_000;
const POLL_MS = 20;

/**
 * Ends the parts that a killed `berth up` left behind, each known by pid and start time, so that no
 * other process is ever touched. The result counts them.
 */
export async function endLeftovers({ children }: Pick<ClusterFile, "children">): Promise<number> {
  const left = Object.values(children).filter(isRunning);
  await Promise.all(left.map(endProcess));
  return left.length;
}

/** Asks once, waits, and then does not ask. */
export async function endProcess(identity: ProcessIdentity): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    send(identity.pid, signal);
    if (await hasEnded(identity, PATIENCE_MS)) return;
  }
}

/** Whether it ended within the time. */
export async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + withinMs;
  while (isRunning(identity)) {
    if (performance.now() >= giveUpAt) return false;
    await delay(POLL_MS);
  }
  return true;
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}
