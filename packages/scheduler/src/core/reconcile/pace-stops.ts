import type { AllocationRecord } from "../state/cluster-state.ts";
import { isAvailable } from "../state/cluster-state.ts";
import { drainOf } from "./drain.ts";
import type { ReconcileContext } from "./reconcile-context.ts";
import { type Reconciliation, stopOnceConfirmed, waitForPredecessor } from "./reconciliation.ts";

/**
 * Stops allocations that are to be replaced, as many as may be unavailable at once. One that is
 * unavailable already costs nothing; one whose drain is past its deadline is not asked.
 */
export function paceStops(
  { state, workload, nowUnixMs }: ReconcileContext,
  maxUnavailable: number,
  unavailableBefore: number,
  leaving: readonly AllocationRecord[],
  result: Reconciliation,
): void {
  let unavailable = unavailableBefore;
  const waiting: AllocationRecord[] = [];
  for (const allocation of [...leaving.filter(isAtOnce), ...leaving.filter((a) => !isAtOnce(a))]) {
    if (!isAtOnce(allocation) && unavailable >= maxUnavailable) {
      waiting.push(allocation);
      continue;
    }
    if (isAvailable(allocation)) unavailable += 1;
    const isOutdated = allocation.workloadVersion < workload.taskVersion;
    stopOnceConfirmed(result, allocation, isOutdated ? "workload.updated" : "node.drained");
    waitForPredecessor(result, allocation);
  }
  const explanation = { reason: "update", unavailable, maxUnavailable } as const;
  for (const { index } of waiting) result.waiting.push({ index, explanation });

  function isAtOnce(allocation: AllocationRecord): boolean {
    if (!isAvailable(allocation)) return true;
    // What belongs on every node has left before, or the drain does not ask it to.
    const isAsked = workload.spec.kind !== "system";
    return isAsked && drainOf(state, allocation, nowUnixMs) === "forced";
  }
}
