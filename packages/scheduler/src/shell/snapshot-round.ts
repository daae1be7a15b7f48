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
  DamagedSnapshots,
  listSnapshots,
  type ReadableSnapshot,
  verifyCopy,
} from "./snapshot-load.ts";
import { snapshotLimits, snapshotTimings } from "./snapshot-limits.ts";
import { type KeptPoint, planRetention, type RetentionPlan } from "./snapshot-retention.ts";
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
 * damaged or of an unknown version is reported, left as it is, and stands in nobody's way; a store
 * that takes no copies keeps the log from being purged, and nothing else.
 *
 * Rejects with a `BerthError`, whatever `recoverState`, `takeSnapshot` and `copySnapshot` reject with.
 */
export async function runSnapshotRound(
  components: RoundComponents,
  settings: RoundSettings,
): Promise<RoundOutcome> {
  const { log, stores, clock, logger } = components;
  const startedMs = clock.monotonicMs();
  for (const store of stores) await store.sweep(snapshotTimings.abandonedAfterMs);
  const recovered = await recoverState({ log, logger, snapshots: stores });
  const { lastSeq, snapshotSeq } = recovered;
  const damaged = new DamagedSnapshots(logger, recovered.skipped);
  const isNew = lastSeq > snapshotSeq;
  if (isNew) await takeSnapshot(stores[0], recovered, clock.nowUnixMs());

  const plan = (points: readonly Point[]) =>
    planRetention(points, clock.nowUnixMs(), { ...snapshotLimits, ...settings });
  const { copied, problem } = await copyEverywhere(
    plan(await listPoints(stores, damaged)).keep,
    stores,
    damaged,
  );
  const points = await listPoints(stores, damaged);
  const logFirst = await purgeLog(components, points, damaged, plan);
  const removed = await dropOthers(points, logFirst, damaged, plan);
  if (problem !== null) throw problem;
  const tookMs = clock.monotonicMs() - startedMs;
  return { seq: lastSeq, isNew, copied, removed, logFirst, tookMs };
}

type Plan = (points: readonly Point[]) => RetentionPlan<Point>;

/** Without what is known to be unusable: that neither counts nor is touched. */
async function listPoints(
  stores: readonly SnapshotStore[],
  damaged: DamagedSnapshots,
): Promise<Point[]> {
  const { readable } = await listSnapshots(stores);
  return pointsOf(damaged.without(readable));
}

function copiesOf(points: readonly Point[]): readonly ReadableSnapshot[] {
  return points.flatMap(({ copies }) => copies);
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

interface Copying {
  readonly copied: number;
  /** Why the first of the stores that take no copies takes none; null when all do. */
  readonly problem: BerthError | null;
}

async function copyEverywhere(
  points: readonly Point[],
  stores: readonly SnapshotStore[],
  damaged: DamagedSnapshots,
): Promise<Copying> {
  let copied = 0;
  let problem: BerthError | null = null;
  for (const store of stores) {
    try {
      for (const { copies } of points) {
        if (copies.some((copy) => copy.store === store)) continue;
        if (await copyFromAny(copies, store, damaged)) copied += 1;
      }
    } catch (cause) {
      if (!(cause instanceof BerthError)) throw cause;
      problem ??= cause;
    }
  }
  return { copied, problem };
}

/** False when no copy is whole: there is nothing to take another one from. */
async function copyFromAny(
  copies: readonly ReadableSnapshot[],
  store: SnapshotStore,
  damaged: DamagedSnapshots,
): Promise<boolean> {
  for (const source of damaged.without(copies)) {
    try {
      await copySnapshot(source, store);
      return true;
    } catch (cause) {
      damaged.add(source, cause);
    }
  }
  return false;
}

/**
 * Purges what no verified snapshot needs; says where the log starts then. Only those count that were
 * read back just now from as many stores as there must be copies.
 */
async function purgeLog(
  components: RoundComponents,
  points: readonly Point[],
  damaged: DamagedSnapshots,
  plan: Plan,
): Promise<number> {
  const { keeper, logger } = components;
  const { first } = await keeper.stat();
  const hoped = plan(points.filter(hasCopies)).purgeBeforeSeq ?? first;
  if (hoped <= first) return first;
  const due = points.filter(({ seq }) => seq >= hoped);
  for (const copy of copiesOf(due)) await verify(copy, keeper, damaged);
  const verified = pointsOf(damaged.without(copiesOf(due)));
  const before = plan(verified.filter(hasCopies)).purgeBeforeSeq ?? first;
  if (before <= first) return first;
  logger.info("purging the log", { first, before });
  await keeper.purgeBefore(before);
  return before;
}

/**
 * Removes what is not kept, and is no evidence of damage; says how many copies that were. The snapshot
 * that stands for the log's start stays, however old, until the log is purged up to another.
 */
async function dropOthers(
  points: readonly Point[],
  logFirst: number,
  damaged: DamagedSnapshots,
  plan: Plan,
): Promise<number> {
  const sound = pointsOf(damaged.without(copiesOf(points)));
  const ascending = sound.filter(hasCopies).toSorted((a, b) => a.seq - b.seq);
  const base = ascending.find(({ seq }) => seq >= logFirst - 1);
  const due = copiesOf(plan(sound).drop.filter((point) => point !== base));
  for (const copy of due) await verifyCopy(copy).catch((cause) => damaged.add(copy, cause));
  const dropped = damaged.without(due);
  for (const { store, id } of dropped) await store.remove(id);
  return dropped.length;
}

function hasCopies({ copies }: Point): boolean {
  return new Set(copies.map(({ store }) => store)).size >= snapshotLimits.copiesMin;
}

async function verify(
  copy: ReadableSnapshot,
  keeper: LogKeeper,
  damaged: DamagedSnapshots,
): Promise<void> {
  const { seq, entryHash } = copy.manifest;
  const entry = await keeper.entry(seq);
  try {
    if (entry === null || hashEntry(entry.bytes) !== entryHash) {
      throw new BerthError("invalid", "it ends with another entry than the log has there");
    }
    await verifyCopy(copy);
  } catch (cause) {
    damaged.add(copy, cause);
  }
}
