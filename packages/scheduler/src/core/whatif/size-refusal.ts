import { limits } from "@berth/protocol";
import { type Refused, refuse } from "../select/refusal.ts";
import type { ClusterState } from "../state/cluster-state.ts";

/** A copy of a larger state would hold the thread too long; null when this one is not. */
export function sizeRefusal({ allocations }: ClusterState): Refused | null {
  const { size } = allocations;
  const max = limits.whatIfAllocationsMax;
  if (size <= max) return null;
  return refuse("invalid", `the cluster has ${size} allocations; what-if is for at most ${max}`, {
    details: { allocations: size, max },
  });
}

/** It did not come to rest within the passes that one question may take. */
export function restlessRefusal(): Refused {
  const max = limits.whatIfPassesMax;
  return refuse("invalid", `it had not come to rest after ${max} passes of the scheduler`, {
    hint: "ask for less at once: fewer nodes, a smaller count",
    details: { passes: max },
  });
}
