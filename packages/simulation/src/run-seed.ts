import type { ClusterEventType } from "@berth/protocol";
import { seededRandom } from "@berth/runtime/memory";
import { unsettled } from "./convergence.ts";
import { freshStart } from "./fresh-start.ts";
import { type FaultKind, faultKinds, faults, healEverything } from "./faults.ts";
import { Violation } from "./judge/violation.ts";
import { operate } from "./operations.ts";
import { rewriteHistory } from "./rewritten-history.ts";
import { type Scenario, scenarioOf, simulationLimits } from "./scenario.ts";
import { Transcript } from "./transcript.ts";
import { historyHash, SimulatedCluster } from "./world/simulated-cluster.ts";

export interface SeedResult {
  readonly seed: number;
  readonly scenario: Scenario["name"];
  /** The rule and what broke it; null when everything held. */
  readonly violation: string | null;
  /** Where in the code, for a bug. */
  readonly stack: string | null;
  /** Its last lines. */
  readonly transcript: readonly string[];
  /** Names everything that happened: the same seed gives the same, in any process. */
  readonly historyHash: string;
  readonly simulatedMs: number;
  /** Things that happened in virtual time: timers, messages, appends. */
  readonly steps: number;
  readonly entries: number;
  readonly acknowledged: number;
  readonly unanswered: number;
  readonly snapshots: SnapshotCounts;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly events: Readonly<Partial<Record<ClusterEventType, number>>>;
  /** `fault/state of what it hit`, with how often. */
  readonly pairs: Readonly<Record<string, number>>;
  /** Virtual time from the last healed fault until everything was as desired. */
  readonly convergedMs: number;
}

export interface SnapshotCounts {
  /** Copies not counted. */
  readonly taken: number;
  /** Read to their end: by who starts, by who takes the next one, and to verify. */
  readonly read: number;
  readonly entriesPurged: number;
}

interface Tally {
  readonly faults: Partial<Record<FaultKind, number>>;
  readonly pairs: Record<string, number>;
}

/**
 * One world from its seed: trouble for a while, then peace, then everything must be as desired.
 * The same seed gives the same run, to the last event. `onLine` sees the whole transcript.
 */
export async function runSeed(
  seed: number,
  onLine: (line: string) => void = () => {},
): Promise<SeedResult> {
  const scenario = scenarioOf(seed, seededRandom(`${seed}/scenario`));
  const cluster = new SimulatedCluster(String(seed), scenario, new Transcript(onLine));
  const tally: Tally = { faults: {}, pairs: {} };
  const onUnhandled = (cause: unknown) => {
    cluster.fail(cause instanceof Error ? cause : new Error(String(cause)));
  };
  process.on("unhandledRejection", onUnhandled);
  try {
    cluster.start();
    await trouble(cluster, scenario, tally);
    const healedAtMs = cluster.timeline.nowMs;
    if (cluster.violation === null) await peace(cluster);
    const convergedMs = cluster.timeline.nowMs - healedAtMs;
    if (cluster.violation === null) await freshStart(cluster);
    if (cluster.violation === null) await rewriteHistory(cluster, cluster.random("tampering"));
    return resultOf(seed, scenario, cluster, tally, convergedMs);
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
}

async function trouble(cluster: SimulatedCluster, scenario: Scenario, tally: Tally): Promise<void> {
  const operations = cluster.random("operations");
  const mishaps = cluster.random("faults");
  const { timeline } = cluster;
  const { firstFaultMs, compareEveryMs } = simulationLimits;
  const repeat = (firstMs: number, nextMs: () => number, run: () => void) => {
    const again = () => {
      if (timeline.nowMs >= scenario.troubleMs) return;
      run();
      timeline.schedule(timeline.nowMs + nextMs(), again);
    };
    timeline.schedule(firstMs, again);
  };
  repeat(
    200,
    () => 100 + operations.below(scenario.operationEveryMaxMs),
    () => cluster.tell(`>> ${operate(cluster, operations)}`),
  );
  repeat(
    firstFaultMs,
    () => 500 + mishaps.below(scenario.faultEveryMaxMs),
    () => {
      const kind = faultKinds[mishaps.below(faultKinds.length)] ?? "agentKilled";
      const { what, state } = faults[kind](cluster, mishaps);
      cluster.tell(`** ${kind}: ${what} (${state})`);
      tally.faults[kind] = (tally.faults[kind] ?? 0) + 1;
      tally.pairs[`${kind}/${state}`] = (tally.pairs[`${kind}/${state}`] ?? 0) + 1;
    },
  );
  repeat(
    compareEveryMs,
    () => compareEveryMs,
    () => cluster.compareReplicas(),
  );
  await cluster.run(scenario.troubleMs);
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
  cluster.guard(() => cluster.machineRules.checkEnds());
  cluster.guard(() => cluster.promises.checkKept());
}

function resultOf(
  seed: number,
  scenario: Scenario,
  cluster: SimulatedCluster,
  { faults: faultCounts, pairs }: Tally,
  convergedMs: number,
): SeedResult {
  const { violation, reference, operator, timeline, transcript, steps, snapshotRules } = cluster;
  const shelves = [cluster.shelf, ...cluster.schedulers.map(({ folder }) => folder)];
  const cause = violation?.cause;
  return {
    seed,
    scenario: scenario.name,
    violation: violation?.message ?? null,
    stack: cause instanceof Error ? (cause.stack ?? null) : null,
    transcript: transcript.tail,
    historyHash: historyHash(cluster),
    simulatedMs: timeline.nowMs,
    steps,
    entries: reference.entries,
    acknowledged: operator.acknowledged,
    unanswered: operator.unanswered,
    snapshots: {
      taken: snapshotRules.taken,
      read: shelves.reduce((sum, { reads }) => sum + reads, 0),
      entriesPurged: snapshotRules.purged,
    },
    faults: faultCounts,
    events: Object.fromEntries(reference.eventCounts),
    pairs,
    convergedMs,
  };
}
