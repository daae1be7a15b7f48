import type { WorkloadSpec } from "@berth/protocol";
import { canonicalText } from "./canonical-text.ts";

/**
 * Whether going from one spec to the other needs running allocations to be replaced. Count,
 * priority, time limit, restart and update policy do not; nor do a system's constraints, because its nodes are
 * matched anew at every evaluation.
 */
export function changesTask(before: WorkloadSpec, after: WorkloadSpec): boolean {
  return canonicalText(taskOf(before)) !== canonicalText(taskOf(after));
}

export function sameSpec(before: WorkloadSpec, after: WorkloadSpec): boolean {
  return canonicalText(before) === canonicalText(after);
}

function taskOf(spec: WorkloadSpec) {
  const { kind, task, resources, ports, stop } = spec;
  return {
    kind,
    task,
    resources,
    ports,
    stop,
    check: spec.kind === "batch" ? null : spec.check,
    constraints: spec.kind === "system" ? [] : spec.constraints,
    ...whereabouts(spec),
  };
}

/** The hard rules of placement; preferences and permissions move nothing that runs. */
function whereabouts({ kind, placement }: WorkloadSpec) {
  if (kind === "system" || placement === undefined) return {};
  const { pool, tolerations, distinct, colocate, gang } = placement;
  const rules = { pool, tolerations, distinct, colocate, gang };
  const isSilent = Object.values(rules).every((rule) => rule === undefined);
  return isSilent ? {} : { placement: rules };
}
