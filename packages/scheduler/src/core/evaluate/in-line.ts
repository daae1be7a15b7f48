import type { WorkloadId } from "@berth/protocol";
import type { ProjectItem } from "../queue/fair-queue.ts";
import { isHopeful } from "../queue/heads.ts";
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

/** Workloads to be reconsidered, with those that wait for room and may be ahead of them. */
export function inLine(state: ClusterState, toEvaluate: readonly WorkloadRecord[]): InLine[] {
  const ids = new Set(toEvaluate.map(({ id }) => id));
  return [
    ...toEvaluate.map((workload) => placeOf(workload, false)),
    ...standingFirst(state, ids).map((workload) => placeOf(workload, true)),
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

/**
 * Of each project and priority the oldest that waits for room and is not reconsidered: it may be
 * ahead of those who are.
 */
function standingFirst(state: ClusterState, others: ReadonlySet<WorkloadId>): WorkloadRecord[] {
  const first = new Map<string, WorkloadRecord>();
  for (const id of state.agenda.blocked.keys()) {
    const workload = state.workloads.get(id);
    if (!workload || others.has(id) || workload.spec.kind === "system") continue;
    const key = `${workload.spec.priority} ${workload.spec.project}`;
    const known = first.get(key);
    if (known && known.number <= workload.number) continue;
    if (waitsForRoom(workload)) first.set(key, workload);
  }
  return [...first.values()];
}

/** Something of it waits for room that it may have some day. */
function waitsForRoom({ pending }: WorkloadRecord): boolean {
  return pending.some(({ explanation }) => {
    if (explanation.reason === "no_fit") return isHopeful(explanation);
    return explanation.reason === "gang" && isHopeful(explanation.noFit);
  });
}
