import type { ClusterEvent, WorkloadId } from "@berth/protocol";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { evaluateWorkload } from "./evaluate-workload.ts";
import { Pass } from "./pass.ts";
import { nextWakeUnixMs, wakeDue } from "./wake.ts";

/** `more`: call again once these events are applied, because they may have made something due. */
export interface Evaluation {
  readonly events: ClusterEvent[];
  readonly more: boolean;
}

/** Whether an evaluation now could have anything to say. */
export function needsEvaluation(state: ClusterState, nowUnixMs: number): boolean {
  const wakeUnixMs = nextWakeUnixMs(state);
  return (
    state.agenda.dirty.size > 0 ||
    state.agenda.stale.size > 0 ||
    (wakeUnixMs !== null && wakeUnixMs <= nowUnixMs)
  );
}

/**
 * One scheduling pass over the workloads on the agenda, most urgent first, then oldest. Takes them
 * off the agenda; the events, together at most `limits.evaluationBytesMax`, must be applied in
 * order, in one entry or several, before the next pass. A pass with nothing changed since the last
 * returns no events.
 */
export function evaluate(state: ClusterState, nowUnixMs: number): Evaluation {
  wakeDue(state, nowUnixMs);
  const { dirty, stale } = state.agenda;
  const pass = new Pass(state, nowUnixMs);
  // What waits for room comes last: its explanation then tells what this pass leaves.
  for (const queue of [dirty, stale]) {
    for (const workload of mostUrgentFirst(state, queue)) {
      if (pass.isTired || !evaluateWorkload(pass, workload)) return endOf(pass, true);
      dirty.delete(workload.id);
      stale.delete(workload.id);
    }
  }
  return endOf(pass, false);
}

function endOf({ events }: Pass, isCut: boolean): Evaluation {
  return { events, more: isCut || events.length > 0 };
}

function mostUrgentFirst(state: ClusterState, ids: ReadonlySet<WorkloadId>): WorkloadRecord[] {
  return [...ids]
    .flatMap((id) => state.workloads.get(id) ?? [])
    .sort((a, b) => b.spec.priority - a.spec.priority || a.number - b.number);
}
