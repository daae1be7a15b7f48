import { BerthError } from "@berth/protocol";
import { hashEntry, type Log, type Logger, type SnapshotStore } from "@berth/runtime";
import type { ClusterState } from "../core/state/index.ts";
import { foldEntry, type Replayed, replayLog } from "./replay-log.ts";
import {
  describeUnusable,
  listSnapshots,
  loadSnapshot,
  type ReadableSnapshot,
  type UnusableSnapshot,
} from "./snapshot-load.ts";
import { snapshotLimits } from "./snapshot-limits.ts";

export interface RecoverComponents {
  readonly log: Log;
  /** Every place that may hold snapshots; without any the log is read from its first entry. */
  readonly snapshots: readonly SnapshotStore[];
  readonly logger: Logger;
}

export interface Recovered extends Replayed {
  /** The last entry in the snapshot that it began with; 0 when it began with the first entry. */
  readonly snapshotSeq: number;
  /** Snapshots that were tried first and could not be used. They are left as they are. */
  readonly skipped: readonly UnusableSnapshot[];
}

/**
 * The state after the whole log: the newest snapshot that is whole and continues with the log, and
 * what came after it; or, where none can be used, everything from the first entry on. When the log is
 * purged meanwhile up to a newer snapshot, it begins again with that one.
 *
 * Rejects with a `BerthError`: `log.unavailable` (retryable) while log or snapshots cannot be read, or
 * are overtaken again and again; `invalid`, which no retry heals, when an entry cannot be used, when a
 * snapshot is ahead of the log, or when the log's start is gone and no snapshot reaches over to it.
 * Nothing is ever deleted here.
 */
export async function recoverState(components: RecoverComponents): Promise<Recovered> {
  const { logger, snapshots } = components;
  const { recoverAttemptsMax } = snapshotLimits;
  let overtaken: Overtaken | null = null;
  for (let attempt = 1; attempt <= recoverAttemptsMax; attempt += 1) {
    // Snapshots before bounds: none that is listed may then be ahead of the log.
    const listed: Listed = await listSnapshots(snapshots);
    if (overtaken?.isFinalAfter(listed)) throw overtaken.cause;
    const result = await recoverOnce(components, listed);
    if (!(result instanceof Overtaken)) return result;
    overtaken = result;
    logger.info("the log was purged while it was read: beginning again", { attempt });
  }
  throw new BerthError(
    "log.unavailable",
    `the log was purged ${recoverAttemptsMax} times before its snapshots were read: ${overtaken?.cause.message}`,
    { retryable: true },
  );
}

type Listed = Awaited<ReturnType<typeof listSnapshots>>;

/** What was to be read is gone, as after a purge. */
class Overtaken {
  readonly cause: BerthError;
  /** Of all snapshots that were listed; null when what they are good for was not found out. */
  readonly #newestSeq: number | null;

  constructor(cause: BerthError, newestSeq: number | null = null) {
    this.cause = cause;
    this.#newestSeq = newestSeq;
  }

  /** A purge leaves newer snapshots: without one, trying again finds the same. */
  isFinalAfter({ readable }: Listed): boolean {
    return this.#newestSeq !== null && newestOf(readable) <= this.#newestSeq;
  }
}

function newestOf(readable: readonly ReadableSnapshot[]): number {
  return readable[0]?.manifest.seq ?? 0;
}

async function recoverOnce(
  { log, logger }: RecoverComponents,
  { readable, unusable }: Listed,
): Promise<Recovered | Overtaken> {
  const skipped = [...unusable];
  const bounds = await log.bounds();
  for (const snapshot of [...readable.map(described), ...unusable]) {
    requireWithinLog(snapshot, bounds);
  }
  const skip = (snapshot: ReadableSnapshot, problem: string) => {
    skipped.push({ ...described(snapshot), problem });
  };
  const recovered = (replayed: Replayed, snapshotSeq: number): Recovered => {
    return { ...replayed, snapshotSeq, skipped: told(logger, skipped) };
  };
  try {
    for (const snapshot of readable) {
      const loaded = await tryLoad(snapshot, bounds);
      const replayed = loaded.ok ? await replayFrom(log, snapshot, loaded.state, bounds) : null;
      if (!loaded.ok) skip(snapshot, loaded.problem);
      else if (replayed !== null) return recovered(replayed, snapshot.manifest.seq);
      else skip(snapshot, "it ends with another entry than the log has there");
    }
    if (bounds.first === 1) return recovered(await replayLog(log), 0);
  } catch (cause) {
    if (isGone(cause)) return new Overtaken(cause);
    throw cause;
  }
  return new Overtaken(startIsGone(bounds.first, skipped), newestOf(readable));
}

/** The log says so of entries that were purged: asking again brings none of them back. */
function isGone(cause: unknown): cause is BerthError {
  return cause instanceof BerthError && cause.code === "log.unavailable" && !cause.retryable;
}

interface Bounds {
  readonly first: number;
  readonly last: number;
}

/** Something after this snapshot was lost: whatever the log says now, it is not the newest truth. */
function requireWithinLog({ store, id, seq }: Omit<UnusableSnapshot, "problem">, { last }: Bounds) {
  if (seq === null || seq <= last) return;
  throw new BerthError(
    "invalid",
    `the log ends at entry ${last}, and snapshot ${id} in ${store} was taken after entry ${seq}: entries ${last + 1} to ${seq} are gone`,
    {
      hint: "The log was emptied, or restored from an older copy than the snapshots. Restore both from the same time.",
      details: { logLast: last, snapshotSeq: seq, snapshot: id, store },
    },
  );
}

type Loaded = { ok: true; state: ClusterState } | { ok: false; problem: string };

async function tryLoad(snapshot: ReadableSnapshot, bounds: Bounds): Promise<Loaded> {
  const { seq } = snapshot.manifest;
  if (seq < bounds.first - 1) return { ok: false, problem: tooOld(seq, bounds) };
  try {
    return { ok: true, state: await loadSnapshot(snapshot) };
  } catch (cause) {
    if (!(cause instanceof BerthError) || cause.retryable) throw cause;
    return { ok: false, problem: cause.message };
  }
}

/** What came after the snapshot; null when its last entry is another one than the log has there. */
async function replayFrom(
  log: Log,
  { manifest }: ReadableSnapshot,
  state: ClusterState,
  { first }: Bounds,
): Promise<Replayed | null> {
  const { seq, entryHash } = manifest;
  let position: Replayed = { state, lastSeq: seq, lastHash: entryHash };
  // Where the log begins right after it, the first entry names it, and is checked when it is folded.
  for await (const stored of log.read(Math.max(first, seq))) {
    if (stored.seq > seq) position = foldEntry(position, stored);
    else if (hashEntry(stored.bytes) !== entryHash) return null;
  }
  return position;
}

function tooOld(seq: number, { first }: Bounds): string {
  return `it ends at entry ${seq}, and the log starts at ${first}: entries ${seq + 1} to ${first - 1} are gone`;
}

function startIsGone(first: number, skipped: readonly UnusableSnapshot[]): BerthError {
  const tried = skipped.map(describeUnusable).join("; ");
  return new BerthError(
    "invalid",
    `the log starts at entry ${first}, and no snapshot can stand for entries 1 to ${first - 1}: ${tried === "" ? "there is none" : tried}`,
    {
      hint: "Nothing was deleted. Restore a snapshot or the log from a copy, or run the version that wrote them.",
      details: { logFirst: first },
    },
  );
}

function described({ store, id, manifest }: ReadableSnapshot) {
  return { store: store.name, id, seq: manifest.seq };
}

function told(logger: Logger, skipped: readonly UnusableSnapshot[]): readonly UnusableSnapshot[] {
  for (const unusable of skipped) {
    logger.warn("a snapshot cannot be used; it is left as it is", { ...unusable });
  }
  return skipped;
}
