import { type AllocationId, limits, type PendingGroup } from "@berth/protocol";
import { groupPending, type Waiting } from "../explain/group-pending.ts";
import { reconcileWorkload } from "../reconcile/reconcile-workload.ts";
import { canonicalText } from "../state/canonical-text.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { waitingIndexes } from "../state/apply-workload-event.ts";
import { withoutPending, withUnlistedQueued } from "../state/pending-groups.ts";
import type { Pass } from "./pass.ts";
import type { Placed } from "./place-indexes.ts";
import { placeMovedFirst } from "./place-moved.ts";

/**
 * Reconsiders one workload: stops, placements, and why the rest waits. False when the pass took
 * no more before the workload was done; what it took stands, and the next pass goes on from there.
 */
export function evaluateWorkload(pass: Pass, workload: WorkloadRecord): boolean {
  if (workload.removing && hasEnded(workload)) {
    return pass.add({ type: "WorkloadRemoved", workloadId: workload.id });
  }
  const { state, nowUnixMs } = pass;
  const { stops, place, waiting, forget } = reconcileWorkload({ state, workload, nowUnixMs });
  for (const { allocation, reason } of stops) {
    const allocationId = allocation.id;
    if (!pass.add({ type: "AllocationStopRequested", allocationId, reason })) return false;
  }
  for (const allocationIds of inPages(forget)) {
    if (!pass.add({ type: "AllocationsForgotten", allocationIds })) return false;
  }
  const placed = placeMovedFirst(pass, workload, place);
  return !placed.isCut && explain(pass, workload, waiting, placed);
}

/** Says why what still waits does so, unless that is what the state will hold anyway. */
function explain(
  pass: Pass,
  workload: WorkloadRecord,
  waiting: readonly Waiting[],
  { placed, unplaced, noFit }: Placed,
): boolean {
  const unfit = noFit ? unplaced.map((index) => ({ index, explanation: noFit })) : [];
  const pending = groupPending([...waiting, ...unfit]);
  let expected: readonly PendingGroup[] = workload.pending;
  for (const index of placed) expected = withoutPending(expected, index);
  const isPlaced = new Set(placed);
  const complete = withUnlistedQueued(pending, () =>
    [...waitingIndexes(workload)].filter((index) => !isPlaced.has(index)),
  );
  if (canonicalText(complete) === canonicalText(expected)) return true;
  return pass.add({ type: "WorkloadEvaluated", workloadId: workload.id, pending });
}

function hasEnded({ counts }: WorkloadRecord): boolean {
  return counts.placed + counts.running + counts.stopping === 0;
}

function* inPages(ids: readonly AllocationId[]): Generator<AllocationId[]> {
  for (let at = 0; at < ids.length; at += limits.forgottenPerEventMax) {
    yield ids.slice(at, at + limits.forgottenPerEventMax);
  }
}
