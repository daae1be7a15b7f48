import type { ProjectItem } from "../queue/fair-queue.ts";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { startsTogether } from "../state/gang.ts";
import { quotaUseOf } from "../state/quota-use.ts";
import type { Pass } from "./pass.ts";

/** A workload with its place in the queue. */
export interface InLine extends ProjectItem {
  readonly workload: WorkloadRecord;
  /** It is not reconsidered; it only has its place, and room may be kept for it. */
  readonly isStanding: boolean;
}

/**
 * Workloads to be reconsidered, with those that wait for room and may be ahead of them: of each
 * project and priority the oldest.
 */
export function inLine(state: ClusterState, toEvaluate: readonly WorkloadRecord[]): InLine[] {
  const ids = new Set(toEvaluate.map(({ id }) => id));
  return [
    ...toEvaluate.map((workload) => placeOf(workload, false)),
    ...[...state.agenda.lines.first(ids)].flatMap((id) => {
      const workload = state.workloads.get(id);
      return workload ? [placeOf(workload, true)] : [];
    }),
  ];
}

/** Its turn has come and it is known to have no room: some may be kept for it. */
export function stand(pass: Pass, workload: WorkloadRecord): void {
  pass.heads.consider(workload, startsTogether(workload), null);
}

function placeOf(workload: WorkloadRecord, isStanding: boolean): InLine {
  const { number, spec } = workload;
  const { project, priority } = spec;
  return { number, project, priority, use: quotaUseOf(spec), workload, isStanding };
}
