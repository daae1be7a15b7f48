import type { ServiceSpec } from "@berth/protocol";
import type { AllocationRecord } from "../state/cluster-state.ts";
import { isAvailable } from "../state/cluster-state.ts";
import { drainOf } from "./drain.ts";
import { liveOf, type ReconcileContext, stopAboveCount } from "./reconcile-context.ts";
import {
  placeOrBackOff,
  type Reconciliation,
  stopOnceConfirmed,
  waitForPredecessor,
} from "./reconciliation.ts";
import { paceStops } from "./pace-stops.ts";

/**
 * Indexes 0 to count - 1, each with one allocation of the current task. What is outdated, or on a
 * draining node, is replaced at the pace of `update.maxUnavailable`; what does not serve anyway is
 * replaced at once.
 */
export function reconcileService(
  context: ReconcileContext,
  spec: ServiceSpec,
  result: Reconciliation,
): void {
  const { state, workload, nowUnixMs } = context;
  stopAboveCount(context, spec.count, result);
  const leaving: AllocationRecord[] = [];
  let unavailable = 0;
  for (let index = 0; index < spec.count; index += 1) {
    const slot = workload.slots.get(index);
    const live = liveOf(state, slot);
    if (!live || !isAvailable(live)) unavailable += 1;
    if (!live) placeOrBackOff(result, index, slot, nowUnixMs);
    else if (live.status === "stopping") waitForPredecessor(result, live);
    else if (live.health === "unhealthy") {
      stopOnceConfirmed(result, live, "unhealthy");
      waitForPredecessor(result, live);
    } else if (isLeaving(context, live)) leaving.push(live);
  }
  paceStops(context, spec.update.maxUnavailable, unavailable, leaving, result);
}

function isLeaving(
  { state, workload, nowUnixMs }: ReconcileContext,
  live: AllocationRecord,
): boolean {
  return live.workloadVersion < workload.taskVersion || drainOf(state, live, nowUnixMs) !== null;
}
