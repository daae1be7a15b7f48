import type { Random } from "@berth/runtime";

/** What kind of day a seed is. Times in milliseconds of virtual time. */
export interface Scenario {
  readonly name: "storm" | "calm";
  readonly schedulers: number;
  readonly nodes: number;
  /** Trouble lasts this long; then everything heals. */
  readonly troubleMs: number;
  readonly faultEveryMaxMs: number;
  readonly operationEveryMaxMs: number;
  readonly snapshots: SnapshotHabits;
}

/** When snapshots are taken and what they make dispensable: a week's work in a minute. */
export interface SnapshotHabits {
  readonly entriesBetweenMax: number;
  readonly retentionMs: number;
}

export const simulationLimits = {
  /** After everything has healed, everything satisfiable must be as desired by then. */
  convergenceMs: 180_000,
  compareEveryMs: 10_000,
  firstFaultMs: 3_000,
  /** One seed in this many is a long day with little going on. */
  calmEvery: 25,
  snapshotLookMs: 2_000,
  snapshotRetryMs: 5_000,
  /** A snapshot is due this long after the last one, if anything has changed. */
  snapshotChangeAgeMs: 60_000,
} as const;

export function scenarioOf(seed: number, random: Random): Scenario {
  const schedulers = 1 + random.below(3);
  const nodes = 2 + random.below(4);
  const entriesBetweenMax = 5 + random.below(40);
  if (seed % simulationLimits.calmEvery === 0) {
    return {
      name: "calm",
      schedulers,
      nodes: Math.min(nodes, 3),
      troubleMs: 3_600_000,
      faultEveryMaxMs: 15 * 60_000,
      operationEveryMaxMs: 5 * 60_000,
      snapshots: { entriesBetweenMax, retentionMs: 60_000 * (1 + random.below(20)) },
    };
  }
  return {
    name: "storm",
    schedulers,
    nodes,
    troubleMs: 60_000 + random.below(60_000),
    faultEveryMaxMs: 1_000 + random.below(8_000),
    operationEveryMaxMs: 500 + random.below(4_000),
    snapshots: { entriesBetweenMax, retentionMs: 1_000 * (1 + random.below(40)) },
  };
}
