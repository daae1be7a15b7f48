import { rulesOf } from "@berth/protocol";
import { type Refused, refuse } from "../select/refusal.ts";
import { isWithinCount } from "../state/apply-workload-event.ts";
import {
  type AllocationRecord,
  type ClusterState,
  isAvailable,
  type WorkloadRecord,
} from "../state/cluster-state.ts";

/**
 * Why an allocation may not be moved now, for nothing but better use of nodes; null when it may. It
 * must serve, be what its workload wants, and its workload must allow moves and be able to do without
 * it until its replacement serves.
 */
export function moveRefusal(state: ClusterState, allocation: AllocationRecord): Refused | null {
  const { id, status, health, workloadId } = allocation;
  const workload = state.workloads.get(workloadId);
  if (!workload || !allowsMoves(workload)) {
    return refuse("conflict", `${workloadId} may not be moved`, {
      hint: "only a service or batch that says `movable: true`, and is no gang, is moved",
    });
  }
  if (!isSettled(workload, allocation)) {
    return refuse("conflict", `${id} is ${status} and about to change anyway`, {
      hint: "try again when the workload has come to rest",
      retryable: true,
      details: { status, health },
    });
  }
  return budgetRefusal(state, workload);
}

/** Whether the workload's own rules let anything of it be moved, whatever its state. */
export function allowsMoves({ spec }: WorkloadRecord): boolean {
  const { movable, gang } = rulesOf(spec);
  return movable && gang === null && spec.kind !== "system";
}

/** It serves, and is what its workload wants. */
export function isSettled(
  { stopped, taskVersion, spec }: WorkloadRecord,
  allocation: AllocationRecord,
): boolean {
  const { index, workloadVersion } = allocation;
  const isWanted = !stopped && isWithinCount(spec, index) && workloadVersion >= taskVersion;
  return isWanted && isAvailable(allocation);
}

/** The budget says how many may be down at once, whoever is the cause; null while one more may. */
export function budgetRefusal(state: ClusterState, workload: WorkloadRecord): Refused | null {
  const max = rulesOf(workload.spec).disruptionMaxUnavailable;
  if (max === null) return null;
  const unavailable = unavailableOf(state, workload);
  if (unavailable < max) return null;
  return refuse(
    "conflict",
    `${unavailable} of ${workload.id} are unavailable, and at most ${max} may be`,
    {
      hint: max === 0 ? "its disruption budget allows no move" : "try again when they are back",
      retryable: max > 0,
      details: { unavailable, max },
    },
  );
}

/** Indexes that should serve and do not; those of a batch that are done need nothing. */
function unavailableOf(state: ClusterState, { spec, slots }: WorkloadRecord): number {
  if (spec.kind === "system") return 0;
  let unavailable = 0;
  for (let index = 0; index < spec.count; index += 1) {
    const slot = slots.get(index);
    if (slot?.done) continue;
    const live = slot?.live ? state.allocations.get(slot.live) : undefined;
    if (!live || !isAvailable(live)) unavailable += 1;
  }
  return unavailable;
}
