import type { Log, LogKeeper, SnapshotStore } from "@berth/runtime";

/** A log with everything that belongs to it. */
export interface LogPlace {
  readonly log: Log;
  readonly keeper: LogKeeper;
  /** The engine's own first. */
  readonly snapshots: readonly [SnapshotStore, ...SnapshotStore[]];
}
