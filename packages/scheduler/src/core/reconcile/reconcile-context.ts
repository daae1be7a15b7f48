import { assert } from "@berth/runtime/assert";
import type {
  AllocationRecord,
  ClusterState,
  Slot,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import { type Reconciliation, stopOnceConfirmed } from "./reconciliation.ts";

/** One reconciliation's view: the workload with its live allocations, and the moment it is for. */
export interface ReconcileContext {
  readonly state: ClusterState;
  readonly workload: WorkloadRecord;
  readonly nowUnixMs: number;
}

/** The live allocation of a slot, if it has one. */
export function liveOf(state: ClusterState, slot: Slot | undefined): AllocationRecord | null {
  if (!slot || slot.live === null) return null;
  const allocation = state.allocations.get(slot.live);
  assert(allocation, `live allocation ${slot.live} is not in the state`);
  return allocation;
}

export function* liveAllocations({ state, workload }: ReconcileContext) {
  for (const slot of workload.slots.values()) {
    const live = liveOf(state, slot);
    if (live) yield live;
  }
}

/** Scaled down: whatever lives at or above the count goes. */
export function stopAboveCount(
  context: ReconcileContext,
  count: number,
  result: Reconciliation,
): void {
  for (const live of liveAllocations(context)) {
    if (live.index >= count) stopOnceConfirmed(result, live, "workload.scaled");
  }
}
