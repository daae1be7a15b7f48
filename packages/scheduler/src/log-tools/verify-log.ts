import { BerthError } from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH, type StoredEntry } from "@berth/runtime";
import { type ClusterState, stateHash } from "../core/state/index.ts";
import { decodeEntry } from "../shell/log-codec.ts";
import { foldEntry, logStart, type Replayed } from "../shell/replay-log.ts";
import { listSnapshots, loadSnapshot, type ReadableSnapshot } from "../shell/snapshot-load.ts";
import type { LogPlace } from "./log-place.ts";

export interface VerifyProblem {
  /** The entry it is about; null for a snapshot that does not say. */
  readonly seq: number | null;
  /** Which snapshot, where it is one. */
  readonly snapshot: string | null;
  readonly cause: string;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly first: number;
  readonly last: number;
  /** Entries whose place in the chain was checked. */
  readonly chained: number;
  /** Entries that were folded: all from the first entry, or from the oldest snapshot, on. */
  readonly folded: number;
  readonly snapshots: number;
  /** Of the state at the end; null when that could not be reached. */
  readonly stateHash: string | null;
  /** The first bad entry, and whatever is wrong with snapshots. */
  readonly problems: readonly VerifyProblem[];
}

/**
 * Reads the whole log: that each entry continues the one before, that each follows from the state
 * before it, and that each snapshot is the state at its place. Nothing is changed. What is wrong
 * comes back as a value; rejects only when the log or the snapshots cannot be read now.
 */
export async function verifyLog(
  place: LogPlace,
  onProgress: (progress: { readonly seq: number; readonly last: number }) => void = () => {},
): Promise<VerifyReport> {
  const { readable, unusable } = await listSnapshots(place.snapshots);
  const bounds = await place.log.bounds();
  const walk = new Walk(bounds, readable);
  for (const { store, id, seq, problem } of unusable) {
    walk.problems.push({ seq, snapshot: `${id} in ${store}`, cause: problem });
  }
  await walk.begin();
  for await (const stored of place.log.read(bounds.first)) {
    if (!(await walk.take(stored))) break;
    onProgress({ seq: stored.seq, last: bounds.last });
  }
  return walk.end();
}

class Walk {
  readonly problems: VerifyProblem[] = [];
  readonly #first: number;
  readonly #last: number;
  readonly #snapshots: Map<number, ReadableSnapshot[]>;
  readonly #snapshotCount: number;
  #lastHash: string | null;
  /** Null before the first state is known, and after an entry that cannot be folded. */
  #position: Replayed | null = null;
  #isBroken = false;
  #chained = 0;
  #folded = 0;

  constructor(bounds: { first: number; last: number }, snapshots: readonly ReadableSnapshot[]) {
    this.#first = bounds.first;
    this.#last = bounds.last;
    this.#lastHash = bounds.first === 1 ? NO_ENTRY_HASH : null;
    this.#snapshotCount = snapshots.length;
    this.#snapshots = new Map();
    for (const snapshot of snapshots) {
      const { seq } = snapshot.manifest;
      this.#snapshots.set(seq, [...(this.#snapshots.get(seq) ?? []), snapshot]);
    }
  }

  async begin(): Promise<void> {
    if (this.#first === 1) this.#position = logStart();
    for (const [seq, snapshots] of this.#snapshots) {
      if (seq < this.#first - 1) for (const one of snapshots) await this.#load(one);
    }
    await this.#compare(this.#first - 1, null);
  }

  /** False when nothing after it can be checked. */
  async take(stored: StoredEntry): Promise<boolean> {
    try {
      decodeEntry(stored, this.#lastHash);
      this.#lastHash = hashEntry(stored.bytes);
      this.#chained += 1;
      if (this.#position !== null) {
        this.#position = foldEntry(this.#position, stored);
        this.#folded += 1;
      }
    } catch (cause) {
      if (!(cause instanceof BerthError)) throw cause;
      this.problems.push({ seq: stored.seq, snapshot: null, cause: cause.message });
      this.#position = null;
      this.#isBroken = true;
      return false;
    }
    await this.#compare(stored.seq, this.#lastHash);
    return true;
  }

  async end(): Promise<VerifyReport> {
    for (const [seq, snapshots] of this.#snapshots) {
      for (const snapshot of seq > this.#last ? snapshots : []) {
        this.#report(snapshot, `the log ends at entry ${this.#last}, before it`);
      }
    }
    if (this.#position === null && !this.#isBroken && this.#last > 0) {
      const cause = `entries 1 to ${this.#first - 1} are gone, and no snapshot stands for them`;
      this.problems.push({ seq: this.#first, snapshot: null, cause });
    }
    return {
      ok: this.problems.length === 0,
      first: this.#first,
      last: this.#last,
      chained: this.#chained,
      folded: this.#folded,
      snapshots: this.#snapshotCount,
      stateHash: this.#position === null ? null : stateHash(this.#position.state),
      problems: this.problems,
    };
  }

  /** Compares the snapshots after an entry with the state there, or takes that from one of them. */
  async #compare(seq: number, entryHash: string | null): Promise<void> {
    for (const snapshot of this.#snapshots.get(seq) ?? []) {
      const { manifest } = snapshot;
      if (entryHash !== null && manifest.entryHash !== entryHash) {
        this.#report(snapshot, "it ends with another entry than the log has there");
        continue;
      }
      const state = await this.#load(snapshot);
      if (state === null) continue;
      if (this.#position === null) {
        this.#position = { state, lastSeq: seq, lastHash: manifest.entryHash };
        this.#lastHash = manifest.entryHash;
      } else if (stateHash(this.#position.state) !== manifest.stateHash) {
        this.#report(snapshot, "its state is not the one that the log folds to");
      }
    }
  }

  async #load(snapshot: ReadableSnapshot): Promise<ClusterState | null> {
    try {
      return await loadSnapshot(snapshot);
    } catch (cause) {
      if (!(cause instanceof BerthError) || cause.retryable) throw cause;
      this.#report(snapshot, cause.message);
      return null;
    }
  }

  #report({ store, id, manifest }: ReadableSnapshot, cause: string): void {
    this.problems.push({ seq: manifest.seq, snapshot: `${id} in ${store.name}`, cause });
  }
}
