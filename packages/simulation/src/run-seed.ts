import { type FaultKind, faultKinds, faults, healEverything } from "./faults.ts";
import { operate } from "./operations.ts";
import { unsettled } from "./convergence.ts";
import { Violation } from "./reference.ts";
import { SimulatedCluster } from "./world/simulated-cluster.ts";

export interface SeedResult {
  readonly seed: number;
  readonly violation: string | null;
  readonly transcript: readonly string[];
  readonly simulatedMs: number;
  /** Things that happened in virtual time: timers, messages, appends. */
  readonly steps: number;
  readonly entries: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly events: Readonly<Record<string, number>>;
  /** `fault/state of what it hit`, with how often. */
  readonly pairs: Readonly<Record<string, number>>;
  /** Virtual time from the last healed fault until everything was as desired. */
  readonly convergedMs: number;
}

export const simulationLimits = {
  /** Trouble lasts this long; then everything heals. */
  troubleMs: 90_000,
  /** And by then everything satisfiable must be as desired. */
  convergenceMs: 180_000,
  compareEveryMs: 2_000,
} as const;

/**
 * One world from its seed: trouble for a while, then peace, then everything must be as desired.
 * The same seed gives the same run, to the last event.
 */
export async function runSeed(seed: number): Promise<SeedResult> {
  const cluster = new SimulatedCluster(String(seed), { schedulers: 2, nodes: 3 + (seed % 3) });
  const faultCounts: Partial<Record<FaultKind, number>> = {};
  const pairs: Record<string, number> = {};
  cluster.start();
  await trouble(cluster, faultCounts, pairs);
  const healedAtMs = cluster.timeline.nowMs;
  if (cluster.violation === null) await peace(cluster);
  const { violation, reference, operator, timeline } = cluster;
  return {
    seed,
    violation: violation === null ? null : violation.message,
    transcript: cluster.transcript,
    simulatedMs: timeline.nowMs,
    steps: cluster.steps,
    entries: reference.entries,
    acknowledged: operator.acknowledged,
    unanswered: operator.unanswered,
    faults: faultCounts,
    events: Object.fromEntries([...reference.eventCounts].toSorted(byName)),
    pairs,
    convergedMs: timeline.nowMs - healedAtMs,
  };
}

async function trouble(
  cluster: SimulatedCluster,
  faultCounts: Partial<Record<FaultKind, number>>,
  pairs: Record<string, number>,
): Promise<void> {
  const operations = cluster.random("operations");
  const mishaps = cluster.random("faults");
  const { troubleMs, compareEveryMs } = simulationLimits;
  const isOver = () => cluster.timeline.nowMs >= troubleMs;
  const fault = () => {
    if (isOver()) return;
    const kind = faultKinds[mishaps.below(faultKinds.length)] ?? "agentKilled";
    const pair = `${kind}/${cluster.schedulers.map(({ mode }) => mode).join("+")}`;
    pairs[pair] = (pairs[pair] ?? 0) + 1;
    faultCounts[kind] = (faultCounts[kind] ?? 0) + 1;
    cluster.tell(`** ${kind}: ${faults[kind](cluster, mishaps)}`);
    cluster.timeline.schedule(cluster.timeline.nowMs + 500 + mishaps.below(6_000), fault);
  };
  const operation = () => {
    if (isOver()) return;
    cluster.tell(`>> ${operate(cluster, operations)}`);
    cluster.timeline.schedule(cluster.timeline.nowMs + 100 + operations.below(3_000), operation);
  };
  const compare = () => {
    cluster.compareReplicas();
    if (isOver()) return;
    cluster.timeline.schedule(cluster.timeline.nowMs + compareEveryMs, compare);
  };
  cluster.timeline.schedule(200, operation);
  cluster.timeline.schedule(3_000, fault);
  cluster.timeline.schedule(compareEveryMs, compare);
  await cluster.run(troubleMs);
}

async function peace(cluster: SimulatedCluster): Promise<void> {
  healEverything(cluster);
  cluster.tell("== everything heals");
  const deadline = cluster.timeline.nowMs + simulationLimits.convergenceMs;
  let missing: string[] = ["not looked yet"];
  while (cluster.violation === null && missing.length > 0 && cluster.timeline.nowMs < deadline) {
    await cluster.run(1_000);
    missing = unsettled(cluster);
  }
  if (cluster.violation !== null) return;
  if (missing.length > 0) cluster.fail(new Violation("INV10", missing.slice(0, 10).join("; ")));
  cluster.compareReplicas();
}

function byName([left]: [string, number], [right]: [string, number]): number {
  return left < right ? -1 : 1;
}
