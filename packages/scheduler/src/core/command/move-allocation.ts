import type { ApiParams, ClusterEvent } from "@berth/protocol";
import { firstLack } from "../place/check-node.ts";
import { placementRequest } from "../place/placement-request.ts";
import { LiveSurroundings } from "../place/surroundings.ts";
import { moveRefusal } from "../rebalance/move-refusal.ts";
import { findAllocation, findNode } from "../select/find.ts";
import { type Refused, refuse } from "../select/refusal.ts";
import type { AllocationRecord, ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";

/** Stops one allocation, so that its index starts elsewhere: on the node named, if there is room. */
export function moveAllocation(
  { state }: CommandContext,
  { allocation: selector, node }: ApiParams<"allocation.move">,
): Decision {
  const found = findAllocation(state, selector);
  if (!found.ok) return found;
  const allocation = found.value;
  const refusal = moveRefusal(state, allocation);
  if (refusal) return refusal;
  const target = node === null ? null : findNode(state, node);
  if (target && !target.ok) return target;
  const unfit = target && targetRefusal(state, allocation, target.value);
  if (unfit) return unfit;
  const { id, workloadId, index } = allocation;
  const event: ClusterEvent = {
    type: "AllocationStopRequested",
    allocationId: id,
    reason: "rebalanced",
    ...(target ? { moveTo: target.value.id } : {}),
  };
  return decide([event], { allocation: id, workload: workloadId, index });
}

/** A move for nothing is worse than none: the node must be another one, and have room now. */
function targetRefusal(
  state: ClusterState,
  { id, nodeId, index, workloadId }: AllocationRecord,
  target: NodeRecord,
): Refused | null {
  const { name } = target.description;
  if (target.id === nodeId) return refuse("conflict", `${id} is on ${name} already`);
  const workload = state.workloads.get(workloadId);
  if (!workload) return null;
  const request = placementRequest(workload.spec);
  const others = [...workload.slots.values()].flatMap((slot) => {
    const live = slot.live === null || slot.index === index ? null : slot.live;
    const allocation = live === null ? undefined : state.allocations.get(live);
    return allocation ? [allocation.nodeId] : [];
  });
  const surroundings = new LiveSurroundings(state, request, others);
  const lack = firstLack(request, target, target.usage, surroundings);
  if (lack === null) return null;
  const { code, requested, available } = lack;
  return refuse("conflict", `${name} has no room for ${id} now (${code})`, {
    hint: "the cluster has changed since it was planned: plan again",
    details: { code, requested, available },
  });
}
