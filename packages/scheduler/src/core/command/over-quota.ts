import {
  describeQuota,
  type QuotaDimension,
  type SpecProblem,
  type WorkloadSpec,
} from "@berth/protocol";
import { ProjectTree } from "../queue/project-tree.ts";
import { hopelessLack, type QuotaLack } from "../queue/quota.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { quotaUseOf } from "../state/quota-use.ts";

/** Workloads that could not run even if their projects used nothing. */
export function findOverQuota(state: ClusterState, specs: readonly WorkloadSpec[]): SpecProblem[] {
  const tree = new ProjectTree(state.projects.values(), []);
  return specs.flatMap((spec, document) => {
    const gang = spec.placement?.gang && spec.kind !== "system" ? spec.count : 1;
    const lack = hopelessLack(tree.node(spec.project), quotaUseOf(spec), gang);
    return lack ? [problemOf(spec, document, lack, gang)] : [];
  });
}

const fields: Readonly<Record<QuotaDimension, string>> = {
  cpuMillis: "cpu",
  memoryMiB: "memory",
  gpuMillis: "gpu",
};

function problemOf(
  spec: WorkloadSpec,
  document: number,
  { project, dimension, limit, requested }: QuotaLack,
  gang: number,
): SpecProblem {
  const asked = describeQuota(dimension, requested);
  const most = describeQuota(dimension, limit);
  const who = gang === 1 ? "each of it needs" : `all ${gang} of the gang need`;
  const own = project === spec.project ? "" : `, which ${spec.project} is part of,`;
  return {
    document,
    path: ["resources", fields[dimension]],
    message: `project ${project}${own} may use ${most} at most; ${who} ${asked}`,
    value: String(requested),
    suggestion: `ask for less, or have the limit raised (berth project set ${project} --limit ${fields[dimension]}=…)`,
  };
}
