import { unsettled } from "./convergence.ts";
import { Violation } from "./judge/violation.ts";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

/** Another round may be under way, and take from this one what it reads. */
const ROUNDS_MAX = 3;
const ROUND_MS = 5_000;
const SETTLED_WITHIN_MS = 60_000;

/**
 * After peace: a round of snapshots works, whatever has become of the earlier ones, and every scheduler
 * that starts anew comes to the same state, with the log's start or without it.
 */
export async function freshStart(cluster: SimulatedCluster): Promise<void> {
  cluster.tell("== every scheduler starts anew");
  await requireRound(cluster);
  for (const scheduler of cluster.schedulers) scheduler.kill();
  for (const scheduler of cluster.schedulers) scheduler.start();
  const deadlineMs = cluster.timeline.nowMs + SETTLED_WITHIN_MS;
  let missing = ["not looked yet"];
  while (cluster.violation === null && missing.length > 0 && cluster.timeline.nowMs < deadlineMs) {
    await cluster.run(1_000);
    missing = unsettled(cluster);
  }
  if (cluster.violation === null && missing.length > 0) {
    cluster.fail(new Violation("INV10", `after a fresh start: ${missing.slice(0, 10).join("; ")}`));
  }
  cluster.compareReplicas();
}

async function requireRound(cluster: SimulatedCluster): Promise<void> {
  const leader = cluster.schedulers.find(({ isLeading }) => isLeading);
  let problem = "nobody leads";
  for (let round = 0; round < ROUNDS_MAX && cluster.violation === null; round += 1) {
    let isTaken = false;
    problem = "it did not end";
    leader?.takeSnapshot().then(
      () => (isTaken = true),
      (cause: unknown) => (problem = String(cause)),
    );
    await cluster.run(ROUND_MS);
    if (isTaken) return;
  }
  cluster.fail(new Violation("RULE", `no snapshot can be taken any more: ${problem}`));
}
