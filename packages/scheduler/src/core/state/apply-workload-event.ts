import type { EventOf, PendingGroup, WorkloadId, WorkloadSpec } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { forgetWorkload, leaveBlocked, mayYield, noteWaiting, seeBlocked } from "./agenda.ts";
import type { Applying } from "./apply-entry.ts";
import type { ClusterState, WorkloadRecord } from "./cluster-state.ts";
import { GANG_FAILURE, isGivenUp } from "./gang.ts";
import {
  earliestRetryUnixMs,
  isBlocked,
  queuedGroup,
  withUnlistedQueued,
} from "./pending-groups.ts";
import { newSlot, SlotTable } from "./slot-table.ts";
import { changeDeadlines } from "./time-limit.ts";
import { changesTask } from "./task-identity.ts";

export function applyWorkloadApplied(applying: Applying, event: EventOf<"WorkloadApplied">): void {
  const { state } = applying;
  const known = state.workloads.get(event.workloadId);
  assert(event.version === (known?.version ?? 0) + 1, () => `${event.workloadId}: version skipped`);
  assert(
    !known || known.spec.kind === event.spec.kind,
    () => `${event.workloadId} changes its kind`,
  );
  const workload = known ?? newWorkload(state.nextWorkloadNumber, event, applying.atUnixMs);
  const timeLimitMs = known?.spec.placement?.timeLimitMs;
  if (known) reviseWorkload(known, event, applying.atUnixMs);
  else {
    state.workloads.set(workload.id, workload);
    state.nextWorkloadNumber += 1;
  }
  if (known && timeLimitMs !== event.spec.placement?.timeLimitMs) changeDeadlines(state, known);
  const { agenda } = state;
  if (event.spec.kind === "system") agenda.systems.add(workload.id);
  // Queued until the evaluation that follows says more.
  setPending(applying, workload, queuedGroup([...waitingIndexes(workload)]));
  agenda.dirty.add(workload.id);
  agenda.placement?.demand.add(workload.id);
  if (known) mayYield(agenda, event.spec);
}

/** The record after an apply; plans are made on such a copy without touching the state. */
export function reviseWorkload(
  workload: WorkloadRecord,
  { version, spec }: { version: number; spec: WorkloadSpec },
  atUnixMs: number,
): void {
  const renewed = changesTask(workload.spec, spec);
  workload.spec = spec;
  workload.version = version;
  workload.revision = { workloadId: workload.id, version, spec };
  workload.stopped = false;
  workload.updatedAtUnixMs = atUnixMs;
  if (renewed) {
    workload.taskVersion = version;
    for (const { index, live, history } of workload.slots.values()) {
      workload.slots.set({ ...newSlot(index), live, history });
    }
  }
  countDone(workload);
  giveUpGang(workload);
}

/** Members of a gang that has failed for good are not started again. Returns their indexes. */
export function giveUpGang(workload: WorkloadRecord): number[] {
  if (!isGivenUp(workload)) return [];
  const indexes = [...unplacedIndexes(workload)];
  for (const index of indexes) {
    const slot = workload.slots.get(index) ?? newSlot(index);
    workload.slots.set({ ...slot, lastFailure: GANG_FAILURE, done: "failed" });
    workload.counts.failed += 1;
  }
  return indexes;
}

/** A batch's finished indexes within its count; history beyond a lowered count does not count. */
function countDone(workload: WorkloadRecord): void {
  workload.counts.complete = 0;
  workload.counts.failed = 0;
  for (const slot of workload.slots.values()) {
    if (slot.done && isWithinCount(workload.spec, slot.index)) workload.counts[slot.done] += 1;
  }
}

export function newWorkload(
  number: number,
  { workloadId, spec }: { workloadId: WorkloadId; spec: WorkloadSpec },
  atUnixMs: number,
): WorkloadRecord {
  return {
    id: workloadId,
    number,
    spec,
    version: 1,
    revision: { workloadId, version: 1, spec },
    taskVersion: 1,
    stopped: false,
    removing: false,
    submittedAtUnixMs: atUnixMs,
    updatedAtUnixMs: atUnixMs,
    slots: new SlotTable(),
    pending: [],
    counts: { placed: 0, running: 0, healthy: 0, stopping: 0, complete: 0, failed: 0 },
  };
}

export function applyWorkloadStopped(applying: Applying, event: EventOf<"WorkloadStopped">): void {
  const workload = workloadOf(applying.state, event.workloadId);
  workload.stopped = true;
  workload.removing ||= event.remove;
  workload.updatedAtUnixMs = applying.atUnixMs;
  setPending(applying, workload, []);
  applying.state.agenda.dirty.add(workload.id);
  applying.state.agenda.placement?.demand.add(workload.id);
}

export function applyWorkloadRemoved(applying: Applying, event: EventOf<"WorkloadRemoved">): void {
  const { state, changes } = applying;
  const workload = workloadOf(state, event.workloadId);
  for (const slot of workload.slots.values()) {
    assert(slot.live === null, () => `${workload.id} is removed with a live allocation`);
    for (const id of slot.history) {
      state.allocations.delete(id);
      state.explanations.delete(id);
      state.moves.delete(id);
      changes.allocations.delete(id);
      changes.removedAllocations.add(id);
    }
  }
  state.workloads.delete(workload.id);
  forgetWorkload(state.agenda, workload);
  state.agenda.placement?.demand.add(workload.id);
  changes.workloads.delete(workload.id);
  changes.removedWorkloads.add(workload.id);
}

export function applyWorkloadEvaluated(
  applying: Applying,
  event: EventOf<"WorkloadEvaluated">,
): void {
  const workload = workloadOf(applying.state, event.workloadId);
  setPending(
    applying,
    workload,
    withUnlistedQueued(event.pending, () => waitingIndexes(workload)),
  );
}

export function workloadOf(state: ClusterState, id: WorkloadId): WorkloadRecord {
  const workload = state.workloads.get(id);
  assert(workload, () => `no workload ${id}`);
  return workload;
}

/** Replaces the waiting indexes and what the agenda knows from them. */
export function setPending(
  { state, changes }: Applying,
  workload: WorkloadRecord,
  pending: readonly PendingGroup[],
): void {
  const { agenda } = state;
  workload.pending = pending;
  noteWaiting(agenda, workload);
  if (isBlocked(pending)) seeBlocked(agenda, workload.id);
  else leaveBlocked(agenda, workload.id);
  const retryUnixMs = earliestRetryUnixMs(pending);
  if (retryUnixMs === null) agenda.retries.delete(workload.id);
  else agenda.retries.set(workload.id, retryUnixMs);
  changes.workloads.add(workload.id);
}

/** Whether the spec asks for this index; a system workload's indexes are its nodes' numbers. */
export function isWithinCount(spec: WorkloadSpec, index: number): boolean {
  return spec.kind === "system" || index < spec.count;
}

/** Indexes that need a place and have none. Which nodes a system lacks, only an evaluation knows. */
export function* waitingIndexes(workload: WorkloadRecord): Generator<number> {
  if (!workload.stopped) yield* unplacedIndexes(workload);
}

function* unplacedIndexes({ spec, slots }: WorkloadRecord): Generator<number> {
  if (spec.kind === "system") return;
  for (let index = 0; index < spec.count; index += 1) {
    const slot = slots.get(index);
    if (!slot || (slot.live === null && slot.done === null)) yield index;
  }
}
