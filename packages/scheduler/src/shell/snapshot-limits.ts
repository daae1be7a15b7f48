/** Bounds of snapshots and of the log's retention, by name. */
export const snapshotLimits = {
  /** The newest ones, each verified in every store, without which nothing is purged. */
  keptMin: 3,
  /** More of them, spread over the retention: where a rebuild of a past state begins. */
  historyParts: 4,
  /** A snapshot is due after this many entries, … */
  entriesBetweenMax: 10_000,
  /** … or this much of the log, bytes, … */
  bytesBetweenMax: 64 * 1024 * 1024,
  /** Stores that must hold a verified copy before what it replaces is purged. */
  copiesMin: 2,
  /** A start that is overtaken by purges begins again with newer snapshots, so often in a row. */
  recoverAttemptsMax: 5,
} as const;

export const snapshotTimings = {
  /** … or when there has been any change for this long. */
  changeAgeMsMax: 3_600_000,
  /** How often the leader looks whether one is due. */
  lookIntervalMs: 10_000,
  /** Wait before the next attempt after one that failed. */
  retryMs: 60_000,
  /** Entries younger than this are kept, whatever snapshots there are: seven days. */
  retentionMs: 7 * 24 * 3_600_000,
  /** What a write left behind that never finished is removed when it is this old. */
  abandonedAfterMs: 3_600_000,
} as const;
