import type {
  AllocationId,
  ClusterEvent,
  ClusterEventType,
  Fence,
  LogEntry,
  NodeId,
  RequestId,
  WorkloadId,
} from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH, type StoredEntry } from "@berth/runtime";
import { checkInvariants } from "@berth/scheduler/invariants";
import { decodeEntry } from "@berth/scheduler/log-codec";
import { applyEntry, type ClusterState, createState, fenceOf } from "@berth/scheduler/core";
import { stateHash } from "@berth/scheduler/state";
import { checkDecision } from "./decision-rules.ts";
import { checkGangBegins, checkGangEnds } from "./gang-rules.ts";
import { differenceOf, plainState } from "./plain-state.ts";
import { demand } from "./violation.ts";
import { OwedPlaces } from "./yielding-rules.ts";

/** What an event means for the world outside the log: see `MachineRules`. */
export type BeforeEvent = (state: ClusterState, event: ClusterEvent, seq: number) => void;

/**
 * The judge's own fold of the log: takes every entry at the instant the engine stores it, looks at
 * each event before it is applied and at the state after each entry, and remembers what it needs to
 * tell the truth later. No simulated process sees it.
 */
export class Reference {
  readonly state: ClusterState = createState();
  readonly eventCounts = new Map<ClusterEventType, number>();
  /** Where in the log the answer to each request is. */
  readonly answeredAt = new Map<RequestId, LogPosition>();
  /** Where each workload was last forgotten. */
  readonly removedAt = new Map<WorkloadId, LogPosition>();
  readonly outcomes = new Map<AllocationId, string>();
  readonly owed = new OwedPlaces();
  entries = 0;
  private order = 0;
  lastHash = NO_ENTRY_HASH;
  private readonly beforeEvent: BeforeEvent;
  /** What a node was to run at each of its generations. */
  private readonly desired = new Map<string, string>();
  private comparedSeq = 0;
  private comparedHash = "";
  /** States that were compared field by field, not by their hash alone: once after each recovery. */
  private readonly compared = new WeakSet<ClusterState>();

  constructor(beforeEvent: BeforeEvent) {
    this.beforeEvent = beforeEvent;
  }

  take(stored: StoredEntry): LogEntry {
    const entry = decodeEntry(stored, this.lastHash);
    this.lastHash = hashEntry(stored.bytes);
    this.entries += 1;
    for (const [position, event] of entry.events.entries()) {
      checkDecision(this.state, event);
      checkGangBegins(this.state, event, entry.events[position - 1]);
      this.beforeEvent(this.state, event, stored.seq);
      this.applyOne(stored.seq, entry, event, position);
      checkGangEnds(this.state, event, entry.events[position + 1]);
      this.remember(event, stored.seq);
    }
    checkInvariants(this.state);
    return entry;
  }

  /** [INV4] Every replica that has folded as much has the same state. */
  compare(name: string, other: ClusterState): void {
    if (other.seq !== this.state.seq) return;
    if (this.comparedSeq !== this.state.seq) {
      this.comparedSeq = this.state.seq;
      this.comparedHash = stateHash(this.state);
    }
    const isSame = stateHash(other) === this.comparedHash;
    demand(isSame, "INV4", () => `${name} folded entry ${other.seq} to another state`);
    if (this.compared.has(other)) return;
    this.compared.add(other);
    const difference = differenceOf(plainState(other), plainState(this.state));
    const told = `${name} recovered entry ${other.seq} to another state`;
    demand(difference === null, "INV4", () => `${told}: ${difference}`);
  }

  fenceOf(nodeId: NodeId): Fence | null {
    return this.state.nodes.has(nodeId) ? fenceOf(this.state, nodeId) : null;
  }

  /** The allocations that the log wanted on a node at a generation; null when it never had it. */
  desiredAt(nodeId: NodeId, generation: number): string | null {
    return this.desired.get(`${nodeId}/${generation}`) ?? null;
  }

  private applyOne(seq: number, entry: LogEntry, event: ClusterEvent, position: number): void {
    const changes = applyEntry(this.state, seq, { ...entry, events: [event] }, position);
    for (const nodeId of changes.desired.keys()) this.rememberDesired(nodeId);
    if (event.type === "NodeRegistered") this.rememberDesired(event.node.nodeId);
  }

  private rememberDesired(nodeId: NodeId): void {
    const node = this.state.nodes.get(nodeId);
    if (node) this.desired.set(`${nodeId}/${node.generation}`, desiredText(node.desired));
  }

  private remember(event: ClusterEvent, seq: number): void {
    this.order += 1;
    this.owed.follow(event);
    this.eventCounts.set(event.type, (this.eventCounts.get(event.type) ?? 0) + 1);
    switch (event.type) {
      case "RequestAnswered":
        this.answeredAt.set(event.requestId, { seq, order: this.order });
        break;
      case "WorkloadRemoved":
        this.removedAt.set(event.workloadId, { seq, order: this.order });
        break;
      case "AllocationFinished":
        this.outcomes.set(event.allocationId, event.outcome);
        break;
      default:
    }
  }
}

/** An entry, and how many events the log has up to the one meant. */
export interface LogPosition {
  readonly seq: number;
  readonly order: number;
}

/** A set of allocations as one comparable text. */
export function desiredText(ids: Iterable<AllocationId>): string {
  return [...ids].toSorted().join(" ");
}
