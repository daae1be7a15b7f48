import { type AllocationId, limits, type PendingGroup } from "@berth/protocol";
import { groupPending, samePending, type Waiting } from "../explain/group-pending.ts";
import { reconcileWorkload } from "../reconcile/reconcile-workload.ts";
import { waitingIndexes } from "../state/apply-workload-event.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { withoutPending, withUnlistedQueued } from "../state/pending-groups.ts";
import { admitIndexes } from "./admit-indexes.ts";
import type { Pass } from "./pass.ts";

/**
 * `done`: nothing of it waits for room. `blocked`: something does. `more`: it had its turn and has
 * indexes left. `cut`: the pass took no more; what it took stands, and the next one goes on there.
 */
export type Turn = "done" | "blocked" | "more" | "cut";

/** Reconsiders one workload, in one turn or several: stops, placements, and why the rest waits. */
export class WorkloadEvaluation {
  private readonly pass: Pass;
  private readonly workload: WorkloadRecord;
  private readonly waiting: Waiting[] = [];
  private readonly placed: number[] = [];
  private place: readonly number[] | null = null;
  private isBlocked = false;

  constructor(pass: Pass, workload: WorkloadRecord) {
    this.pass = pass;
    this.workload = workload;
  }

  /** Places at most so many indexes. */
  takeTurn(indexesMax: number): Turn {
    const { pass, workload } = this;
    if (this.place === null) {
      if (workload.removing && hasEnded(workload)) {
        const isAdded = pass.add({ type: "WorkloadRemoved", workloadId: workload.id });
        return isAdded ? "done" : "cut";
      }
      if (!this.begin()) return "cut";
    }
    const place = this.place ?? [];
    const isWhole = this.isBlocked || place.length <= indexesMax || !isDivisible(workload);
    const indexes = isWhole ? place : place.slice(0, indexesMax);
    const { placed, waiting, isCut } = admitIndexes(pass, workload, indexes);
    this.placed.push(...placed);
    this.waiting.push(...waiting);
    if (isCut) return "cut";
    this.place = place.slice(indexes.length);
    this.isBlocked ||= waiting.length > 0;
    // All indexes ask the same: once one has no place, the others only have to be told.
    if (this.place.length > 0) return this.isBlocked ? this.takeTurn(indexesMax) : "more";
    if (!this.explain()) return "cut";
    return this.isBlocked ? "blocked" : "done";
  }

  /** False when the pass is full. */
  private begin(): boolean {
    const { pass, workload } = this;
    const { state, nowUnixMs } = pass;
    pass.promises.drop(workload);
    const { stops, place, waiting, forget } = reconcileWorkload({ state, workload, nowUnixMs });
    for (const { allocation, reason } of stops) {
      if (!pass.requestStop(allocation.id, reason)) return false;
    }
    for (const allocationIds of inPages(forget)) {
      if (!pass.add({ type: "AllocationsForgotten", allocationIds })) return false;
    }
    this.waiting.push(...waiting);
    this.place = place;
    return true;
  }

  /** Says why what still waits does so, unless that is what the state will hold anyway. */
  private explain(): boolean {
    const { pass, workload } = this;
    const pending = groupPending(this.waiting);
    let expected: readonly PendingGroup[] = workload.pending;
    for (const index of this.placed) expected = withoutPending(expected, index);
    const isPlaced = new Set(this.placed);
    const complete = withUnlistedQueued(pending, () =>
      [...waitingIndexes(workload)].filter((index) => !isPlaced.has(index)),
    );
    if (samePending(complete, expected)) return true;
    return pass.add({ type: "WorkloadEvaluated", workloadId: workload.id, pending });
  }
}

/** Whether its indexes may be placed a few at a time: what one gets does not depend on the others. */
function isDivisible({ spec: { kind, placement } }: WorkloadRecord): boolean {
  const { gang, distinct = [], spread = [] } = placement ?? {};
  return kind === "batch" && !gang && distinct.length + spread.length === 0;
}

function hasEnded({ counts }: WorkloadRecord): boolean {
  return counts.placed + counts.running + counts.stopping === 0;
}

function* inPages(ids: readonly AllocationId[]): Generator<AllocationId[]> {
  for (let at = 0; at < ids.length; at += limits.forgottenPerEventMax) {
    yield ids.slice(at, at + limits.forgottenPerEventMax);
  }
}
