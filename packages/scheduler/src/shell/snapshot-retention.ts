/** What retention knows of one snapshot. */
export interface KeptPoint {
  readonly seq: number;
  /** When the last entry in it was decided. */
  readonly entryAtUnixMs: number;
}

export interface RetentionSettings {
  readonly retentionMs: number;
  /** So many of the newest are kept, and nothing is purged without as many. */
  readonly keptMin: number;
  /** So many more are kept at least, spread over the retention. */
  readonly historyParts: number;
}

export interface RetentionPlan<Point> {
  readonly keep: readonly Point[];
  readonly drop: readonly Point[];
  /** Entries before this may go; null while all must stay. */
  readonly purgeBeforeSeq: number | null;
}

/**
 * Which snapshots to keep, and how much of the log's start they make dispensable.
 *
 * - The newest `keptMin` are kept.
 * - The newest one that is at least `retentionMs` old is kept: with it and the log from there, every
 *   younger moment can be rebuilt. Older ones are dropped.
 * - Between these, one is kept in each `historyParts`-th of the retention: they are what the previous
 *   rule finds as time goes on.
 * - The log goes from its start to the older of that one and the oldest of the newest `keptMin`; its
 *   entry stays, so that the log and the snapshot can be seen to belong together.
 *
 * `points` are verified, one for each sequence, in any order.
 */
export function planRetention<Point extends KeptPoint>(
  points: readonly Point[],
  nowUnixMs: number,
  settings: RetentionSettings,
): RetentionPlan<Point> {
  const { retentionMs, keptMin, historyParts } = settings;
  const ascending = [...points].sort((a, b) => a.seq - b.seq);
  const newest = ascending.slice(-keptMin);
  const anchor = ascending.findLast(
    ({ entryAtUnixMs }) => entryAtUnixMs <= nowUnixMs - retentionMs,
  );
  const keep: Point[] = [];
  for (const point of ascending) {
    const isOlder = anchor !== undefined && point.seq < anchor.seq;
    const last = keep.at(-1);
    const isSpread =
      last === undefined || point.entryAtUnixMs - last.entryAtUnixMs >= retentionMs / historyParts;
    if (newest.includes(point) || point === anchor || (!isOlder && isSpread)) keep.push(point);
  }
  const drop = ascending.filter((point) => !keep.includes(point));
  const [oldestOfNewest] = newest;
  const canPurge = anchor !== undefined && oldestOfNewest !== undefined && newest.length >= keptMin;
  const purgeBeforeSeq = canPurge ? Math.min(anchor.seq, oldestOfNewest.seq) : null;
  return { keep, drop, purgeBeforeSeq };
}
