import {
  type AllocationId,
  type ClusterEvent,
  type Grant,
  limits,
  type NodeId,
  type StopReason,
  type WorkloadId,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { Ledger } from "../place/ledger.ts";
import { endIfPlaced } from "../queue/allocation-end.ts";
import { Heads } from "../queue/heads.ts";
import { Holds } from "../queue/holds.ts";
import type { Decided } from "../queue/node-future.ts";
import { NO_RECLAIM, type ReclaimRights, reclaimRights } from "../queue/reclaim.ts";
import { Promises } from "../preempt/promises.ts";
import { ProjectTree } from "../queue/project-tree.ts";
import type {
  AllocationRecord,
  ClusterState,
  NodeRecord,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import { isForOthers } from "../state/allocation-status.ts";
import { projectOf } from "../state/project-use.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import { BlockedRequests } from "./blocked-requests.ts";

/**
 * Nodes looked at in one pass before others get their turn on the thread: about a tenth of a
 * second. A workload that has begun is finished.
 */
const NODE_LOOKS_MAX = 50_000;

/** Events that must be in one entry: where they begin, and how many. */
export interface Whole {
  readonly from: number;
  readonly count: number;
}

/** What the decisions of one pass share: each sees the room that those before it took. */
export class Pass {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  readonly ledger = new Ledger();
  /** Room that is kept for some and counts as granted for the others. */
  readonly holds: Holds;
  readonly heads: Heads;
  readonly blocked = new BlockedRequests();
  /** Room for which others were asked to stop. */
  readonly promises: Promises;
  /** Whether others may be asked to stop; else it is only told why something waits. */
  mayPreempt = true;
  /** Requests for which nobody's end would make room. */
  readonly noSeats = new Set<string>();
  readonly events: ClusterEvent[] = [];
  readonly wholes: Whole[] = [];
  private readonly bytesMax: number;
  private bytes = 0;
  private isInWhole = false;
  private nodeLooks = 0;
  private allocationNumber: number;
  private tree: ProjectTree | null = null;
  private readonly decided = new Map<NodeRecord, Decided[]>();
  private readonly placed = new Map<WorkloadId, NodeRecord[]>();
  private readonly stopped = new Set<AllocationId>();
  /** Of those that ended with the decisions of the pass. */
  private readonly released = new Set<AllocationId>();
  private readonly stoppedBy = new Map<NodeId, AllocationRecord[]>();
  private readonly disturbed = new Set<WorkloadId>();
  /** Stopped by this pass, for whom. */
  private readonly yielding = new Map<AllocationId, WorkloadId>();

  constructor(
    state: ClusterState,
    nowUnixMs: number,
    bytesMax: number = limits.evaluationBytesMax,
  ) {
    this.state = state;
    this.bytesMax = bytesMax;
    this.nowUnixMs = nowUnixMs;
    this.allocationNumber = state.nextAllocationNumber;
    this.holds = new Holds(this.ledger, nowUnixMs);
    this.heads = new Heads(this);
    this.promises = new Promises(this);
  }

  /** The number of the next allocation to be placed. */
  get nextAllocationNumber(): number {
    return this.allocationNumber;
  }

  /** The projects with what each uses once the decisions of the pass are applied. */
  get projects(): ProjectTree {
    const { projects, projectUse } = this.state;
    this.tree ??= new ProjectTree(projects.values(), projectUse);
    return this.tree;
  }

  /** Adds an event unless the pass is full; the first one always fits, and what belongs to a whole. */
  add(event: ClusterEvent): boolean {
    const bytes = JSON.stringify(event).length + 1;
    const isFull = this.events.length > 0 && this.bytes + bytes > this.bytesMax;
    if (isFull && !this.isInWhole) return false;
    this.events.push(event);
    this.bytes += bytes;
    if (event.type === "AllocationPlaced") this.allocationNumber += 1;
    return true;
  }

  /** The events that `work` adds stay together in one entry; unless they stand, they are undone. */
  asWhole<Result>(work: () => Result, stands: (result: Result) => boolean): Result {
    const from = this.events.length;
    const { bytes, allocationNumber } = this;
    const isOuter = !this.isInWhole;
    this.isInWhole = true;
    const result = work();
    if (isOuter) this.isInWhole = false;
    if (stands(result)) {
      if (this.bytes - bytes > limits.entryBytesMax) this.shorten(from);
      this.wholes.push({ from, count: this.events.length - from });
      return result;
    }
    for (const event of this.events.splice(from)) this.undo(event);
    while ((this.wholes.at(-1)?.from ?? -1) >= from) this.wholes.pop();
    this.bytes = bytes;
    this.allocationNumber = allocationNumber;
    return result;
  }

  /** Of placements that are many only the chosen node is remembered. */
  private shorten(from: number): void {
    for (const [at, event] of this.events.entries()) {
      if (at < from || event.type !== "AllocationPlaced") continue;
      const why = { ...event.why, candidates: event.why.candidates.slice(0, 1) };
      this.events[at] = { ...event, why };
    }
  }

  private undo(event: ClusterEvent): void {
    assert(event.type === "AllocationPlaced", `${event.type} cannot be undone`);
    const node = this.state.nodes.get(event.nodeId);
    assert(node, `no node ${event.nodeId}`);
    this.ledger.release(node, event.granted);
  }

  /** Asks an allocation to stop, once whoever wants it to. False when the pass is full. */
  requestStop(allocationId: AllocationId, reason: StopReason, onBehalfOf?: WorkloadId): boolean {
    if (this.stopped.has(allocationId)) return true;
    const behalf = onBehalfOf === undefined ? {} : { onBehalfOf };
    if (!this.add({ type: "AllocationStopRequested", allocationId, reason, ...behalf }))
      return false;
    this.stopped.add(allocationId);
    const allocation = this.state.allocations.get(allocationId);
    assert(allocation, `${allocationId} is unknown and asked to stop`);
    const there = this.stoppedBy.get(allocation.nodeId);
    if (there) there.push(allocation);
    else this.stoppedBy.set(allocation.nodeId, [allocation]);
    if (isForOthers(reason)) this.disturbed.add(allocation.workloadId);
    if (onBehalfOf !== undefined) this.yielding.set(allocationId, onBehalfOf);
    return true;
  }

  /** Whether it has asked anything to stop. */
  get hasStopped(): boolean {
    return this.stopped.size > 0;
  }

  /** Asked to stop by this pass. */
  isStopping(id: AllocationId): boolean {
    return this.stopped.has(id);
  }

  /** Something of it was stopped for others: it is looked at when that is applied. */
  isDisturbed({ id }: WorkloadRecord): boolean {
    return this.disturbed.has(id);
  }

  /** How many are ending for it. */
  yieldingTo({ id }: WorkloadRecord): number {
    const all = [...this.state.yielding.values(), ...this.yielding.values()];
    return all.filter((other) => other === id).length;
  }

  /** What on a node was asked to stop, by this pass or before, and is not counted as gone. */
  *endingOn({ id, stopping }: NodeRecord): Generator<AllocationRecord> {
    for (const other of stopping) {
      const allocation = this.state.allocations.get(other);
      if (allocation && !this.released.has(other)) yield allocation;
    }
    for (const allocation of this.stoppedBy.get(id) ?? []) {
      if (!this.released.has(allocation.id)) yield allocation;
    }
  }

  /** A placement that was added: it is charged to its project, and ends when its kind does. */
  charge({ id, spec }: WorkloadRecord, node: NodeRecord, granted: Grant): void {
    this.projects.take(spec.project, quotaUseOf(spec));
    const nodes = this.placed.get(id) ?? [];
    this.placed.set(id, nodes);
    nodes.push(node);
    const decided = this.decided.get(node) ?? [];
    this.decided.set(node, decided);
    decided.push({ granted, end: endIfPlaced(spec, this.nowUnixMs) });
  }

  /** What is about to end counts as gone: its room is free for what the pass decides from now on. */
  release({ id, workloadId, spec, nodeId, granted }: AllocationRecord): void {
    this.released.add(id);
    const node = this.state.nodes.get(nodeId);
    if (!node) return;
    this.ledger.release(node, granted);
    this.projects.release(projectOf(workloadId), quotaUseOf(spec));
    this.blocked.clear();
  }

  /** Whether the pass counts it as gone although the state has it. */
  hasReleased({ id }: AllocationRecord): boolean {
    return this.released.has(id);
  }

  /** What the workload's project may take back from others for one more of it. */
  reclaimFor({ spec }: WorkloadRecord): ReclaimRights {
    if (this.state.projects.size === 0) return NO_RECLAIM;
    const { allocations, yielding } = this.state;
    const ending = [...yielding.keys(), ...this.yielding.keys()].flatMap(
      (id) => allocations.get(id)?.spec ?? [],
    );
    return reclaimRights(this.projects, spec.project, quotaUseOf(spec), ending);
  }

  /** The node of each placement of a workload in this pass. */
  placedBy({ id }: WorkloadRecord): readonly NodeRecord[] {
    return this.placed.get(id) ?? [];
  }

  /** What the pass has placed on a node. */
  decidedOn(node: NodeRecord): readonly Decided[] {
    return this.decided.get(node) ?? NONE;
  }

  countLooks(nodes: number): void {
    this.nodeLooks += nodes;
  }

  get isTired(): boolean {
    return this.nodeLooks > NODE_LOOKS_MAX;
  }
}

const NONE: readonly Decided[] = [];
