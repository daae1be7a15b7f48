import {
  type AllocationId,
  allocationNumber,
  type DesiredAllocation,
  type Fence,
  type NodeId,
  splitWorkloadId,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { Changes } from "../state/changes.ts";
import type { AllocationRecord, ClusterState, NodeRecord } from "../state/cluster-state.ts";

/** The difference one entry made to a node's desired set: the body of a `DesiredDelta`. */
export interface DesiredNotice {
  readonly nodeId: NodeId;
  readonly fence: Fence;
  /** The fence this difference applies on top of. */
  readonly base: Fence;
  readonly add: DesiredAllocation[];
  readonly remove: AllocationId[];
}

/** The (term, generation) of a node's desired set as of now; generation 0 for an unknown node. */
export function fenceOf(state: ClusterState, nodeId: NodeId): Fence {
  return { term: state.term, generation: state.nodes.get(nodeId)?.generation ?? 0 };
}

/**
 * Desired allocations numbered above `after`, in order, until `maxBytes` of JSON are reached; at
 * least one when there is any.
 */
export function desiredPage(
  state: ClusterState,
  nodeId: NodeId,
  after: AllocationId | null,
  maxBytes: number,
): { fence: Fence; allocations: DesiredAllocation[]; more: boolean } {
  const fence = fenceOf(state, nodeId);
  const node = state.nodes.get(nodeId);
  const allocations: DesiredAllocation[] = [];
  const afterNumber = after === null ? 0 : allocationNumber(after);
  let bytes = 0;
  for (const allocation of desiredOf(state, node)) {
    if (allocation.number <= afterNumber) continue;
    const desired = desiredAllocation(allocation);
    bytes += JSON.stringify(desired).length;
    if (bytes > maxBytes && allocations.length > 0) return { fence, allocations, more: true };
    allocations.push(desired);
  }
  return { fence, allocations, more: false };
}

/** What to tell each agent about an applied entry. Nodes that are down are told when they return. */
export function desiredDeltas(state: ClusterState, changes: Changes): DesiredNotice[] {
  const notices: DesiredNotice[] = [];
  for (const [nodeId, { baseGeneration, added, removed }] of changes.desired) {
    const node = state.nodes.get(nodeId);
    if (!node || node.status === "down") continue;
    notices.push({
      nodeId,
      fence: fenceOf(state, nodeId),
      base: { term: state.term, generation: baseGeneration },
      add: [...added].map((id) => desiredAllocation(recordOf(state, id))),
      remove: [...removed],
    });
  }
  return notices;
}

function* desiredOf(state: ClusterState, node: NodeRecord | undefined) {
  for (const id of node?.desired ?? []) yield recordOf(state, id);
}

function recordOf(state: ClusterState, id: AllocationId): AllocationRecord {
  const allocation = state.allocations.get(id);
  assert(allocation, `desired allocation ${id} is not in the state`);
  return allocation;
}

function desiredAllocation(allocation: AllocationRecord): DesiredAllocation {
  const { spec } = allocation;
  const { project, name } = splitWorkloadId(allocation.workloadId);
  return {
    allocationId: allocation.id,
    workloadId: allocation.workloadId,
    project,
    workloadName: name,
    workloadVersion: allocation.workloadVersion,
    index: allocation.index,
    count: spec.kind === "system" ? 1 : spec.count,
    attempt: allocation.attempt,
    task: spec.task,
    granted: allocation.granted,
    check: spec.kind === "batch" ? null : spec.check,
    stop: spec.stop,
  };
}
