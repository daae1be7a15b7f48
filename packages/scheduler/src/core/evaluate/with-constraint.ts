import type { WorkloadRecord } from "../state/cluster-state.ts";

/**
 * The workload as if it asked for one constraint more: how placement is told to look at one node
 * only, or past one, without a second way to place. The record is a copy; nothing is changed.
 */
export function withConstraint(workload: WorkloadRecord, constraint: string): WorkloadRecord {
  const { spec } = workload;
  return { ...workload, spec: { ...spec, constraints: [...spec.constraints, constraint] } };
}
