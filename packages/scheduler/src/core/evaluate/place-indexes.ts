import { allocationId, type NodeId, type NoFit } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { explainNoFit } from "../explain/no-fit.ts";
import { Candidates, type Placement } from "../place/candidates.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { liveNodesOf, LiveSurroundings, NO_SURROUNDINGS } from "../place/surroundings.ts";
import { liveAllocations } from "../reconcile/reconcile-context.ts";
import type { NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import type { Pass } from "./pass.ts";

export interface Placed {
  readonly placed: number[];
  readonly unplaced: number[];
  /** Why the unplaced ones fit nowhere; null when there are none. */
  readonly noFit: NoFit | null;
  /** The pass took no more: the remaining indexes were not looked at. */
  readonly isCut: boolean;
}

/** Finds a place for each index, best node first, and adds the placements to the pass. */
export function placeIndexes(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): Placed {
  if (indexes.length === 0) return { placed: [], unplaced: [], noFit: null, isCut: false };
  return workload.spec.kind === "system"
    ? placeOnOwnNodes(pass, workload, indexes)
    : placeAnywhere(pass, workload, indexes);
}

/** All indexes ask the same, so the first that fits nowhere speaks for all that follow. */
function placeAnywhere(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): Placed {
  const request = placementRequest(workload.spec);
  const nodes = [...pass.state.nodes.values()];
  pass.countLooks(nodes.length);
  const replicas = replicasByNode(pass, workload);
  const surroundings = surroundingsOf(pass, workload, request, indexes);
  let candidates = new Candidates(request, nodes, pass.ledger, replicas, surroundings);
  const placed: number[] = [];
  for (const index of indexes) {
    const placement = candidates.best(pass.nextAllocationNumber);
    if (!placement) {
      pass.countLooks(nodes.length);
      const noFit = explainNoFit(request, nodes, pass.ledger, surroundings ?? NO_SURROUNDINGS);
      return { placed, unplaced: indexes.slice(placed.length), noFit, isCut: false };
    }
    if (!addPlacement(pass, workload, index, placement)) {
      return { placed, unplaced: [], noFit: null, isCut: true };
    }
    candidates.take(placement);
    if (surroundings !== null) {
      // One more of it at a value changes every node that shares the value.
      surroundings.add(placement.node);
      replicas.set(placement.node.id, (replicas.get(placement.node.id) ?? 0) + 1);
      candidates = new Candidates(request, nodes, pass.ledger, replicas, surroundings);
    }
    placed.push(index);
  }
  return { placed, unplaced: [], noFit: null, isCut: false };
}

/** Null when no rule asks what else runs where. */
export function surroundingsOf(
  pass: Pass,
  workload: WorkloadRecord,
  request: PlacementRequest,
  indexes: readonly number[],
): LiveSurroundings | null {
  const { spread, distinct, colocate } = request;
  if (spread.length + distinct.length + colocate.length === 0) return null;
  const own = liveNodesOf(pass.state, workload, new Set(indexes));
  const surroundings = new LiveSurroundings(pass.state, request, own);
  for (const node of pass.placedBy(workload)) surroundings.add(node);
  return surroundings;
}

/** A system workload's index is a node's number: it fits there or nowhere. */
function placeOnOwnNodes(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): Placed {
  const request = placementRequest(workload.spec);
  const byNumber = new Map<number, NodeRecord>();
  for (const node of pass.state.nodes.values()) byNumber.set(node.number, node);
  pass.countLooks(indexes.length);
  const placed: number[] = [];
  const unplaced: number[] = [];
  const unfit: NodeRecord[] = [];
  for (const index of indexes) {
    const node = byNumber.get(index);
    assert(node, `${workload.id}[${index}] belongs to no node`);
    const candidates = new Candidates(request, [node], pass.ledger, new Map());
    const placement = candidates.best(pass.nextAllocationNumber);
    if (!placement) {
      unplaced.push(index);
      unfit.push(node);
      continue;
    }
    if (!addPlacement(pass, workload, index, placement)) {
      return { placed, unplaced: [], noFit: null, isCut: true };
    }
    candidates.take(placement);
    placed.push(index);
  }
  const noFit = unfit.length === 0 ? null : explainNoFit(request, unfit, pass.ledger);
  return { placed, unplaced, noFit, isCut: false };
}

function addPlacement(
  pass: Pass,
  workload: WorkloadRecord,
  index: number,
  { node, granted, why }: Placement,
): boolean {
  return pass.add({
    type: "AllocationPlaced",
    allocationId: allocationId(pass.nextAllocationNumber),
    workloadId: workload.id,
    workloadVersion: workload.version,
    index,
    attempt: (workload.slots.get(index)?.attempt ?? 0) + 1,
    nodeId: node.id,
    granted,
    why,
  });
}

function replicasByNode({ state, nowUnixMs }: Pass, workload: WorkloadRecord) {
  const replicas = new Map<NodeId, number>();
  if (workload.spec.kind !== "service") return replicas;
  for (const { nodeId } of liveAllocations({ state, workload, nowUnixMs })) {
    replicas.set(nodeId, (replicas.get(nodeId) ?? 0) + 1);
  }
  return replicas;
}
