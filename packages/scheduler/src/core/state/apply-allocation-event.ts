import { allocationNumber, type AllocationId, describeExit, type EventOf } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { mayYield, noteRunning, roomWasMade, roomWasTaken } from "./agenda.ts";
import type { Applying } from "./apply-entry.ts";
import { nodeOf, reconsiderNode } from "./apply-node-event.ts";
import { giveUpGang, isWithinCount, setPending, workloadOf } from "./apply-workload-event.ts";
import type { DesiredChange } from "./changes.ts";
import {
  type AllocationRecord,
  type ClusterState,
  isAvailable,
  isFinal,
  isOpen,
  type NodeRecord,
  type WorkloadRecord,
} from "./cluster-state.ts";
import { isForOthers } from "./allocation-status.ts";
import { GANG_FAILURE, isGivenUp } from "./gang.ts";
import { releaseGrant, takeGrant } from "./grants.ts";
import { withoutPending, withQueued } from "./pending-groups.ts";
import { newSlot, type Slot } from "./slot-table.ts";
import { afterFailure } from "./restart-policy.ts";
import { chargeProject } from "./project-use.ts";
import { setDeadline } from "./time-limit.ts";

export function applyAllocationPlaced(
  applying: Applying,
  event: EventOf<"AllocationPlaced">,
): void {
  const { state, changes } = applying;
  const workload = workloadOf(state, event.workloadId);
  const node = nodeOf(state, event.nodeId);
  const { allocationId: id, index, attempt, granted } = event;
  const number = allocationNumber(id);
  assert(number === state.nextAllocationNumber, () => `${id} is out of turn`);
  assert(event.workloadVersion === workload.version, () => `${id} is placed for an older version`);
  const slot = slotOf(workload, index);
  assert(slot.live === null, () => `${workload.id}[${index}] would live twice`);
  const { revision } = workload;
  const { place } = node;
  state.allocations.add(
    { number, revision, index, attempt, place, granted, placedAtUnixMs: applying.atUnixMs },
    { ...justPlaced, health: initialHealth(workload) },
  );
  state.nextAllocationNumber += 1;
  state.explanations.add(id, event.why);
  forgetMove(state, slot);
  workload.slots.set({ ...slot, live: id, attempt, retryAtUnixMs: null });
  workload.counts.placed += 1;
  takeGrant(node, id, granted);
  state.agenda.placement?.nodes.add(node.id);
  desiredChange(applying, node).added.add(id);
  setPending(applying, workload, withoutPending(workload.pending, index));
  chargeProject(state, workload.id, workload.spec, 1);
  roomWasTaken(state.agenda);
  changes.allocations.add(id);
  changes.nodes.add(node.id);
}

const justPlaced = {
  status: "placed",
  stopReason: null,
  pid: null,
  startedAtUnixMs: null,
  message: null,
  exit: null,
  finishedAtUnixMs: null,
} as const;

export function applyAllocationStopRequested(
  applying: Applying,
  event: EventOf<"AllocationStopRequested">,
): void {
  const allocation = allocationOf(applying.state, event.allocationId);
  assert(
    allocation.status === "placed" || allocation.status === "running",
    () => `${allocation.id} is asked to stop while ${allocation.status}`,
  );
  recount(applying, allocation, () => {
    allocation.status = "stopping";
    allocation.stopReason = event.reason;
  });
  if (event.onBehalfOf !== undefined) {
    applying.state.yielding.set(allocation.id, event.onBehalfOf);
  }
  // It has not had its turn, as a workload has whose own evaluation stops something.
  if (isForOthers(event.reason)) applying.state.agenda.dirty.add(allocation.workloadId);
  if (event.moveTo !== undefined) applying.state.moves.set(allocation.id, event.moveTo);
  applying.state.agenda.deadlines.delete(allocation.id);
  leaveDesired(applying, allocation);
}

/** The index has a place again: where that was to be is of no interest any more. */
function forgetMove({ moves }: ClusterState, { history }: Slot): void {
  const last = history.at(-1);
  if (last !== undefined) moves.delete(last);
}

export function applyAllocationRunning(
  applying: Applying,
  event: EventOf<"AllocationRunning">,
): void {
  const allocation = allocationOf(applying.state, event.allocationId);
  assert(!isFinal(allocation.status), () => `${allocation.id} runs after its end`);
  recount(applying, allocation, () => {
    if (allocation.status === "placed") allocation.status = "running";
    allocation.health = event.health;
    allocation.pid = event.pid;
    allocation.message = event.message;
    allocation.startedAtUnixMs = event.startedAtUnixMs;
  });
  const { agenda } = applying.state;
  agenda.dirty.add(allocation.workloadId);
  mayYield(agenda, workloadOf(applying.state, allocation.workloadId).spec);
  setDeadline(applying.state, allocation);
}

export function applyAllocationFinished(
  applying: Applying,
  event: EventOf<"AllocationFinished">,
): void {
  const { state } = applying;
  const allocation = allocationOf(state, event.allocationId);
  assert(!isFinal(allocation.status), () => `${allocation.id} ends twice`);
  const workload = workloadOf(state, allocation.workloadId);
  const node = nodeOf(state, allocation.nodeId);
  if (allocation.status !== "stopping") leaveDesired(applying, allocation);
  recount(applying, allocation, () => {
    allocation.status = event.outcome;
    allocation.exit = event.exit;
    allocation.message = event.message;
    allocation.pid = null;
    allocation.startedAtUnixMs = event.startedAtUnixMs;
    allocation.finishedAtUnixMs = event.finishedAtUnixMs;
  });
  releaseGrant(node, event.allocationId, allocation.granted);
  state.agenda.placement?.nodes.add(node.id);
  state.agenda.placement?.demand.add(workload.id);
  state.yielding.delete(allocation.id);
  state.agenda.deadlines.delete(allocation.id);
  const before = slotOf(workload, allocation.index);
  const ended = { ...before, live: null, history: [...before.history, allocation.id] };
  const slot = afterOutcome(workload, ended, allocation, applying.atUnixMs);
  workload.slots.set(slot);
  if (slot.done && !before.done && isWithinCount(workload.spec, slot.index)) {
    workload.counts[slot.done] += 1;
  }
  setPending(
    applying,
    workload,
    awaitsPlacement(workload, slot, node)
      ? withQueued(workload.pending, slot.index)
      : withoutPending(workload.pending, slot.index),
  );
  for (const index of giveUpGang(workload)) {
    setPending(applying, workload, withoutPending(workload.pending, index));
  }
  state.agenda.dirty.add(workload.id);
  chargeProject(state, workload.id, allocation.spec, -1);
  roomWasMade(state.agenda, node.id);
  if (node.drain) reconsiderNode(state, node);
}

export function applyAllocationsForgotten(
  applying: Applying,
  event: EventOf<"AllocationsForgotten">,
): void {
  const { state, changes } = applying;
  for (const id of event.allocationIds) {
    const allocation = allocationOf(state, id);
    assert(isFinal(allocation.status), () => `${id} is forgotten while ${allocation.status}`);
    const workload = workloadOf(state, allocation.workloadId);
    const slot = slotOf(workload, allocation.index);
    const history = slot.history.filter((other) => other !== id);
    const wanted = workload.spec.kind !== "system" && isWithinCount(workload.spec, slot.index);
    if (history.length === 0 && slot.live === null && !wanted) workload.slots.delete(slot.index);
    else workload.slots.set({ ...slot, history });
    state.allocations.delete(id);
    state.explanations.delete(id);
    state.moves.delete(id);
    changes.allocations.delete(id);
    changes.removedAllocations.add(id);
    changes.workloads.add(workload.id);
  }
}

/** What the end of an allocation means for its index: done, to be retried after a wait, or free. */
function afterOutcome(
  workload: WorkloadRecord,
  slot: Slot,
  allocation: AllocationRecord,
  atUnixMs: number,
): Slot {
  const { spec, taskVersion } = workload;
  // The end of an outdated allocation says nothing about the task that replaces it.
  if (allocation.workloadVersion < taskVersion) return slot;
  if (allocation.outcome === "complete" && spec.kind === "batch")
    return { ...slot, done: "complete" };
  if (isGivenUp(workload)) return { ...slot, lastFailure: GANG_FAILURE, done: "failed" };
  if (allocation.stopReason === "time.limit" && spec.kind === "batch") {
    return { ...slot, lastFailure: describeFailure(allocation), done: "failed" };
  }
  if (!isFailure(allocation)) return slot;
  const { failuresAtUnixMs, next } = afterFailure(spec.restart, slot.failuresAtUnixMs, atUnixMs);
  const failed = { ...slot, failuresAtUnixMs, lastFailure: describeFailure(allocation) };
  if (next.kind === "retry") return { ...failed, retryAtUnixMs: next.atUnixMs };
  if (spec.kind === "batch") return { ...failed, done: "failed" };
  return { ...failed, retryAtUnixMs: atUnixMs + spec.restart.withinMs };
}

/**
 * It ended by itself, or had to be ended because it was unhealthy. A service must not even end well.
 * What its agent was told to stop, by the scheduler or on the server itself, has not failed.
 */
function isFailure({ outcome, stopReason }: AllocationRecord): boolean {
  if (stopReason === "unhealthy") return true;
  return stopReason === null && (outcome === "complete" || outcome === "failed");
}

/** It travels in every explanation of the index, and agents say how long their messages are. */
const FAILURE_TEXT_MAX = 200;

/** To follow "it". */
function describeFailure({ stopReason, exit, message }: AllocationRecord): string {
  if (stopReason === "unhealthy") return "was unhealthy";
  if (stopReason === "time.limit") return "ran as long as it may";
  const text = exit ? describeExit(exit) : `failed${message === null ? "" : `: ${message}`}`;
  return text.length <= FAILURE_TEXT_MAX ? text : `${text.slice(0, FAILURE_TEXT_MAX - 1)}…`;
}

function awaitsPlacement(workload: WorkloadRecord, slot: Slot, node: NodeRecord): boolean {
  if (workload.stopped || slot.done || !isWithinCount(workload.spec, slot.index)) return false;
  return workload.spec.kind !== "system" || isOpen(node);
}

function initialHealth({ spec }: WorkloadRecord): AllocationRecord["health"] {
  return spec.kind === "batch" || spec.check === null ? "none" : "starting";
}

function slotOf({ slots }: WorkloadRecord, index: number): Slot {
  return slots.get(index) ?? newSlot(index);
}

export function allocationOf(state: ClusterState, id: AllocationId): AllocationRecord {
  const allocation = state.allocations.get(id);
  assert(allocation, () => `no allocation ${id}`);
  return allocation;
}

/** Changes an allocation and keeps its workload's counts true. */
function recount(applying: Applying, allocation: AllocationRecord, change: () => void): void {
  const workload = workloadOf(applying.state, allocation.workloadId);
  const { counts } = workload;
  count(-1);
  change();
  count(1);
  noteRunning(applying.state.agenda, workload);
  applying.changes.allocations.add(allocation.id);
  applying.changes.workloads.add(allocation.workloadId);
  applying.changes.nodes.add(allocation.nodeId);

  function count(by: number): void {
    const { status } = allocation;
    if (status === "placed" || status === "running" || status === "stopping") counts[status] += by;
    if (isAvailable(allocation)) counts.healthy += by;
  }
}

function leaveDesired(applying: Applying, allocation: AllocationRecord): void {
  const node = nodeOf(applying.state, allocation.nodeId);
  node.stopping.add(allocation.id);
  const change = desiredChange(applying, node);
  // Placed and ended within one entry: the agent never has to hear of it.
  if (!change.added.delete(allocation.id)) change.removed.add(allocation.id);
}

/** The entry's difference for a node; every call is one more generation. */
function desiredChange({ changes }: Applying, node: NodeRecord): DesiredChange {
  const change = changes.desired.get(node.id) ?? {
    baseGeneration: node.generation,
    added: new Set<AllocationId>(),
    removed: new Set<AllocationId>(),
  };
  changes.desired.set(node.id, change);
  node.generation += 1;
  return change;
}
