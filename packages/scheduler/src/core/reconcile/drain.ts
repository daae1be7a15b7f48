import type { AllocationRecord, ClusterState, NodeRecord } from "../state/cluster-state.ts";

/** `asked`: at the workload's own pace. `forced`: the deadline has passed. Null: it may stay. */
export type DrainDemand = "asked" | "forced" | null;

/** What the drain of its node demands of an allocation that is not a system workload's. */
export function drainOf(
  state: ClusterState,
  allocation: AllocationRecord,
  nowUnixMs: number,
): DrainDemand {
  const drain = state.nodes.get(allocation.nodeId)?.drain;
  if (!drain) return null;
  return isPast(drain.deadlineAtUnixMs, nowUnixMs) ? "forced" : "asked";
}

/** System allocations leave last, because they may serve the ones that leave before them. */
export function systemDrainOf(
  state: ClusterState,
  allocation: AllocationRecord,
  nowUnixMs: number,
): DrainDemand {
  const node = state.nodes.get(allocation.nodeId);
  if (!node?.drain || node.drain.ignoreSystem) return null;
  if (isPast(node.drain.deadlineAtUnixMs, nowUnixMs)) return "forced";
  return holdsOnlySystem(state, node) ? "asked" : null;
}

function holdsOnlySystem(state: ClusterState, node: NodeRecord): boolean {
  for (const id of node.live) {
    if (state.allocations.get(id)?.spec.kind !== "system") return false;
  }
  return true;
}

function isPast(deadlineUnixMs: number | null, nowUnixMs: number): boolean {
  return deadlineUnixMs !== null && deadlineUnixMs <= nowUnixMs;
}
