import type { ClusterEventType, NodeId, RequestId } from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH, type StoredEntry } from "@berth/runtime";
import { checkInvariants } from "@berth/scheduler/invariants";
import { decodeEntry } from "@berth/scheduler/log-codec";
import { applyEntry, type ClusterState, createState, fenceOf } from "@berth/scheduler/core";
import { stateHash } from "@berth/scheduler/state";

/**
 * The judge: folds every entry at the instant the engine stores it, checks the invariants after
 * each, and remembers what the truth was. No simulated process sees it.
 */
export class Reference {
  readonly state: ClusterState = createState();
  readonly eventCounts = new Map<ClusterEventType, number>();
  entries = 0;
  private lastHash = NO_ENTRY_HASH;
  private readonly hashes = new Map<number, string>();

  take(stored: StoredEntry): void {
    const entry = decodeEntry(stored, this.lastHash);
    this.lastHash = hashEntry(stored.bytes);
    applyEntry(this.state, stored.seq, entry);
    this.entries += 1;
    for (const { type } of entry.events) {
      this.eventCounts.set(type, (this.eventCounts.get(type) ?? 0) + 1);
    }
    checkInvariants(this.state);
  }

  /** [INV4] Every replica that has folded as much has the same state. */
  compare(name: string, other: ClusterState): void {
    if (other.seq !== this.state.seq) return;
    const expected = this.hashes.get(other.seq) ?? stateHash(this.state);
    this.hashes.clear();
    this.hashes.set(other.seq, expected);
    const actual = stateHash(other);
    if (actual !== expected) {
      throw new Violation("INV4", `${name} folded entry ${other.seq} to another state`);
    }
  }

  /** [INV3] An answer left the leader: it must be in the log by now. */
  acknowledged(requestId: RequestId, method: string): void {
    if (!this.state.answers.has(requestId)) {
      throw new Violation("INV3", `${method} ${requestId} was acknowledged and is not in the log`);
    }
  }

  fenceOf(nodeId: NodeId) {
    return this.state.nodes.has(nodeId) ? fenceOf(this.state, nodeId) : null;
  }
}

/** An invariant that did not hold. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}
