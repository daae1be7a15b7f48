import {
  type ProjectName,
  splitWorkloadId,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import type { ClusterState } from "./cluster-state.ts";
import { isFinal } from "./allocation-status.ts";
import { addUse, isNoUse, noUse, quotaUseOf } from "./quota-use.ts";

/** Charges a project for allocations that live, or with a negative number lets it off. */
export function chargeProject(
  { projectUse }: ClusterState,
  workloadId: WorkloadId,
  spec: WorkloadSpec,
  times: 1 | -1,
): void {
  const project = projectOf(workloadId);
  const use = projectUse.get(project) ?? noUse();
  addUse(use, quotaUseOf(spec), times);
  if (isNoUse(use)) projectUse.delete(project);
  else projectUse.set(project, use);
}

/** What projects use in a state that was not folded here. */
export function rebuildProjectUse(state: ClusterState): void {
  state.projectUse.clear();
  for (const { workloadId, spec, status } of state.allocations.values()) {
    if (!isFinal(status)) chargeProject(state, workloadId, spec, 1);
  }
}

export function projectOf(id: WorkloadId): ProjectName {
  return splitWorkloadId(id).project;
}
