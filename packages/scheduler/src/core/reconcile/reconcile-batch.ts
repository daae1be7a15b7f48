import type { BatchSpec } from "@berth/protocol";
import { drainOf } from "./drain.ts";
import { liveOf, type ReconcileContext, stopAboveCount } from "./reconcile-context.ts";
import {
  placeOrBackOff,
  type Reconciliation,
  stopOnceConfirmed,
  waitForPredecessor,
} from "./reconciliation.ts";

/**
 * Indexes 0 to count - 1, each run until it ends well or is given up. Nobody waits on a batch's
 * availability, so an outdated or draining allocation is stopped at once and run again elsewhere.
 */
export function reconcileBatch(
  context: ReconcileContext,
  spec: BatchSpec,
  result: Reconciliation,
): void {
  const { state, workload, nowUnixMs } = context;
  stopAboveCount(context, spec.count, result);
  for (let index = 0; index < spec.count; index += 1) {
    const slot = workload.slots.get(index);
    const live = liveOf(state, slot);
    if (!live) {
      if (!slot?.done) placeOrBackOff(result, index, slot, nowUnixMs);
      continue;
    }
    const isOutdated = live.workloadVersion < workload.taskVersion;
    const isDrained = drainOf(state, live, nowUnixMs) !== null;
    if (live.status === "stopping") waitForPredecessor(result, live);
    else if (isOutdated || isDrained) {
      stopOnceConfirmed(result, live, isOutdated ? "workload.updated" : "node.drained");
      waitForPredecessor(result, live);
    }
  }
}
