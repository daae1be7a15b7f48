import { BerthError } from "@berth/protocol";
import {
  type Clock,
  hashEntry,
  type Log,
  type LogKeeper,
  type Logger,
  type SnapshotStore,
} from "@berth/runtime";
import { recoverState } from "./recover-state.ts";
import {
  describeUnusable,
  listSnapshots,
  type ReadableSnapshot,
  type UnusableSnapshot,
  verifyCopy,
} from "./snapshot-load.ts";
import { snapshotLimits, snapshotTimings } from "./snapshot-limits.ts";
import { type KeptPoint, planRetention } from "./snapshot-retention.ts";
import { copySnapshot, takeSnapshot } from "./snapshot-take.ts";

export interface RoundComponents {
  readonly log: Log;
  readonly keeper: LogKeeper;
  /** The first takes new snapshots; the others get copies. */
  readonly stores: readonly [SnapshotStore, ...SnapshotStore[]];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface RoundSettings {
  readonly retentionMs: number;
}

export interface RoundOutcome {
  /** The entry after which the newest snapshot was taken. */
  readonly seq: number;
  /** False when there was nothing new to take one of. */
  readonly isNew: boolean;
  readonly copied: number;
  readonly removed: number;
  /** Where the log starts now. */
  readonly logFirst: number;
  readonly tookMs: number;
}

/** A position that can be recovered to, with every copy of its snapshot. */
interface Point extends KeptPoint {
  readonly copies: readonly ReadableSnapshot[];
}

/**
 * All there is to do about snapshots, once: take one, have each that is kept in every store, purge
 * what they make dispensable, and remove those that are not kept any more.
 *
 * It recovers the state as a starting scheduler does and takes a snapshot of that, so that no decision
 * waits for it, and each snapshot proves that the one before it works. It may be cut off anywhere:
 * after each step the same state can be recovered, and the next round goes on from there. What is
 * damaged or of an unknown version is left as it is.
 *
 * Rejects with a `BerthError`, whatever `recoverState` and `takeSnapshot` reject with.
 */
export async function runSnapshotRound(
  components: RoundComponents,
  settings: RoundSettings,
): Promise<RoundOutcome> {
  const { log, stores, clock, logger } = components;
  const startedMs = clock.monotonicMs();
  for (const store of stores) await store.sweep(snapshotTimings.abandonedAfterMs);
  const recovered = await recoverState({ log, logger, snapshots: stores });
  const { lastSeq, snapshotSeq, skipped } = recovered;
  const isNew = lastSeq > snapshotSeq;
  if (isNew) await takeSnapshot(stores[0], recovered, clock.nowUnixMs());

  const plan = (points: readonly Point[]) =>
    planRetention(points, clock.nowUnixMs(), { ...snapshotLimits, ...settings });
  const copied = await copyEverywhere(plan(await listPoints(stores, skipped)).keep, stores);
  const points = await listPoints(stores, skipped);
  const logFirst = await purgeLog(components, points, plan);
  const dropped = plan(points).drop.flatMap(({ copies }) => copies);
  for (const { store, id } of dropped) await store.remove(id);
  const tookMs = clock.monotonicMs() - startedMs;
  return { seq: lastSeq, isNew, copied, removed: dropped.length, logFirst, tookMs };
}

/** Without what was found unusable: that neither counts nor is touched. */
async function listPoints(
  stores: readonly SnapshotStore[],
  skipped: readonly UnusableSnapshot[],
): Promise<Point[]> {
  const { readable } = await listSnapshots(stores);
  const usable = readable.filter(
    ({ store, id }) => !skipped.some((other) => other.store === store.name && other.id === id),
  );
  return pointsOf(usable);
}

function pointsOf(snapshots: readonly ReadableSnapshot[]): Point[] {
  const bySeq = new Map<number, ReadableSnapshot[]>();
  for (const snapshot of snapshots) {
    const { seq } = snapshot.manifest;
    bySeq.set(seq, [...(bySeq.get(seq) ?? []), snapshot]);
  }
  return [...bySeq].map(([seq, copies]) => {
    const entryAtUnixMs = Math.max(...copies.map(({ manifest }) => manifest.entryAtUnixMs));
    return { seq, entryAtUnixMs, copies };
  });
}

async function copyEverywhere(
  points: readonly Point[],
  stores: readonly SnapshotStore[],
): Promise<number> {
  let copied = 0;
  for (const { copies } of points) {
    const [source] = copies;
    for (const store of stores) {
      if (source === undefined || copies.some((copy) => copy.store === store)) continue;
      await copySnapshot(source, store);
      copied += 1;
    }
  }
  return copied;
}

/**
 * Purges what no verified snapshot needs; says where the log starts then. Only those count that were
 * read back just now from as many stores as there must be copies.
 */
async function purgeLog(
  components: RoundComponents,
  points: readonly Point[],
  plan: (points: readonly Point[]) => { readonly purgeBeforeSeq: number | null },
): Promise<number> {
  const { keeper, logger } = components;
  const { first } = await keeper.stat();
  const hoped = plan(points.filter(hasCopies)).purgeBeforeSeq ?? first;
  if (hoped <= first) return first;
  const verified: Point[] = [];
  for (const point of points) {
    if (point.seq >= hoped) verified.push(await withWholeCopies(point, components));
  }
  const before = plan(verified.filter(hasCopies)).purgeBeforeSeq ?? first;
  if (before <= first) return first;
  logger.info("purging the log", { first, before });
  await keeper.purgeBefore(before);
  return before;
}

function hasCopies({ copies }: Point): boolean {
  return new Set(copies.map(({ store }) => store)).size >= snapshotLimits.copiesMin;
}

async function withWholeCopies(point: Point, { keeper, logger }: RoundComponents): Promise<Point> {
  const entry = await keeper.entry(point.seq);
  const copies: ReadableSnapshot[] = [];
  for (const copy of point.copies) {
    try {
      if (entry === null || hashEntry(entry.bytes) !== copy.manifest.entryHash) {
        throw new BerthError("invalid", "it ends with another entry than the log has there");
      }
      await verifyCopy(copy);
      copies.push(copy);
    } catch (cause) {
      if (!(cause instanceof BerthError) || cause.retryable) throw cause;
      const { store, id, manifest } = copy;
      const unusable = { store: store.name, id, seq: manifest.seq, problem: cause.message };
      logger.warn(`nothing is purged that depends on it: ${describeUnusable(unusable)}`);
    }
  }
  return { ...point, copies };
}
