import { limits } from "@berth/protocol";
import { assert, unreachable } from "@berth/runtime/assert";
import type {
  AllocationRecord,
  ClusterState,
  Slot,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import { reconcileBatch } from "./reconcile-batch.ts";
import { reconcileService } from "./reconcile-service.ts";
import { reconcileSystem } from "./reconcile-system.ts";
import { emptyReconciliation, type Reconciliation, stopOnceConfirmed } from "./reconciliation.ts";

/** One reconciliation's view: the workload with its live allocations, and the moment it is for. */
export interface ReconcileContext {
  readonly state: ClusterState;
  readonly workload: WorkloadRecord;
  readonly nowUnixMs: number;
}

/** Compares what a workload asks for with what exists. Pure: decides, changes nothing. */
export function reconcileWorkload(context: ReconcileContext): Reconciliation {
  const { workload } = context;
  const result = emptyReconciliation();
  if (workload.stopped) {
    for (const live of liveAllocations(context))
      stopOnceConfirmed(result, live, "workload.stopped");
  } else {
    reconcileKind(context, result);
  }
  forgetOldHistory(context, result);
  return result;
}

function reconcileKind(context: ReconcileContext, result: Reconciliation): void {
  const { spec } = context.workload;
  switch (spec.kind) {
    case "service":
      return reconcileService(context, spec, result);
    case "batch":
      return reconcileBatch(context, spec, result);
    case "system":
      return reconcileSystem(context, spec, result);
    default:
      return unreachable(spec);
  }
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

function forgetOldHistory({ state, workload }: ReconcileContext, result: Reconciliation): void {
  const { kind } = workload.spec;
  const numbers =
    kind === "system" ? new Set([...state.nodes.values()].map((node) => node.number)) : null;
  for (const slot of workload.slots.values()) {
    // A number is never given to another node, so nobody will ask for its history by index again.
    const isGone = numbers !== null && slot.live === null && !numbers.has(slot.index);
    const kept = isGone ? 0 : limits.finishedAllocationsPerIndexMax;
    const excess = slot.history.length - kept;
    if (excess > 0) result.forget.push(...slot.history.slice(0, excess));
  }
}
