import type { LogEntry } from "@berth/protocol";
import { applyEntry, type ClusterState, createState, decodeState } from "@berth/scheduler/state";
import { snapshotLimits } from "@berth/scheduler/snapshot-limits";
import type { SnapshotShelf, WrittenSnapshot } from "../world/snapshot-shelf.ts";
import { differenceOf, plainState } from "./plain-state.ts";
import { demand } from "./violation.ts";

/**
 * Damage that came later than this before a purge or a removal does not count against it: whoever does
 * it has read the snapshots back, and may have been frozen in between.
 */
const VERIFIED_BEFORE_MS = 60_000;

/** [INV4] What snapshots hold is the state that the log had there; what a purge leaves can be recovered. */
export class SnapshotRules {
  /** A fold of its own, as far as the newest snapshot that was written. */
  private readonly state: ClusterState = createState();
  private waiting: { seq: number; entry: LogEntry; hash: string }[] = [];
  private lastHash = "";
  /** Checksums of what was found right: copies hold the same. */
  private readonly judged = new Set<string>();
  taken = 0;
  purged = 0;

  /** The log has one more entry. */
  remember(seq: number, entry: LogEntry, hash: string): void {
    this.waiting.push({ seq, entry, hash });
  }

  written({ manifest, chunks }: WrittenSnapshot): void {
    const { seq, term, entryHash, sha256 } = manifest;
    // One that a former leader took so late is older than what is remembered here.
    if (this.judged.has(sha256) || seq < this.state.seq) return;
    this.foldTo(seq);
    this.judged.add(sha256);
    this.taken += 1;
    const told = `the snapshot after entry ${seq}`;
    demand(entryHash === this.lastHash, "INV4", () => `${told} names another entry`);
    demand(term === this.state.term, "INV4", () => `${told} names another term`);
    const difference = differenceOf(plainState(decodeState(chunks)), plainState(this.state));
    demand(difference === null, "INV4", () => `${told} holds another state: ${difference}`);
  }

  /** So many positions must be whole in the engine and in a folder that nothing less can be wrong. */
  purgedBefore(
    seq: number,
    nowMs: number,
    engine: SnapshotShelf,
    folders: readonly SnapshotShelf[],
  ): void {
    this.purged = seq - 1;
    const sinceMs = nowMs - VERIFIED_BEFORE_MS;
    const there = [...engine.wholeSeqs(sinceMs)].filter((one) => one >= seq);
    const most = Math.max(
      ...folders.map((folder) => {
        const copies = folder.wholeSeqs(sinceMs);
        return there.filter((one) => copies.has(one)).length;
      }),
    );
    demand(most >= snapshotLimits.keptMin, "RULE", () => {
      return `the log is purged up to entry ${seq}, and ${most} snapshots reach over to it`;
    });
  }

  /** What is damaged may be all that is left of something, or what a later version wrote. */
  removed(id: string, damagedForMs: number | null): void {
    const isKnown = damagedForMs !== null && damagedForMs > VERIFIED_BEFORE_MS;
    demand(!isKnown, "RULE", () => `snapshot ${id} is removed, and was damaged`);
  }

  private foldTo(seq: number): void {
    const due = this.waiting.filter((one) => one.seq <= seq);
    this.waiting = this.waiting.slice(due.length);
    for (const { seq: at, entry, hash } of due) {
      applyEntry(this.state, at, entry);
      this.lastHash = hash;
    }
  }
}
