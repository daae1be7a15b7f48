import { allocationId, limits, type NodeId, type NoFit } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { explainNoFit } from "../explain/no-fit.ts";
import { fleetOf } from "../fleet/cluster-fleet.ts";
import { Candidates, type Placement, placementOn } from "../place/candidates.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { liveNodesOf, LiveSurroundings } from "../place/surroundings.ts";
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

/**
 * Finds a place for each index, best node first, and adds the placements to the pass, each with the
 * best of the nodes that it might have had.
 */
export function placeIndexes(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
  candidatesMax: number = limits.placementCandidatesMax,
): Placed {
  if (indexes.length === 0) return { placed: [], unplaced: [], noFit: null, isCut: false };
  return workload.spec.kind === "system"
    ? placeOnOwnNodes(pass, workload, indexes)
    : placeAnywhere(pass, workload, indexes, candidatesMax);
}

/** All indexes ask the same, so the first that fits nowhere speaks for all that follow. */
function placeAnywhere(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
  candidatesMax: number,
): Placed {
  const { state, ledger } = pass;
  const request = placementRequest(workload.spec);
  const own = ownNodes(pass, workload, indexes);
  const surroundings = new LiveSurroundings(state, request, own);
  const fleet = fleetOf(state, ledger);
  const candidates = new Candidates(fleet, ledger, own, request, surroundings);
  pass.countLooks(candidates.nodeLooks);
  const placed: number[] = [];
  for (const index of indexes) {
    const placement = candidates.best(pass.nextAllocationNumber, candidatesMax);
    if (!placement) {
      const nodes = [...state.nodes.values()];
      pass.countLooks(nodes.length);
      const noFit = explainNoFit(request, nodes, ledger, surroundings);
      return { placed, unplaced: indexes.slice(placed.length), noFit, isCut: false };
    }
    if (!addPlacement(pass, workload, index, placement)) {
      return { placed, unplaced: [], noFit: null, isCut: true };
    }
    candidates.take(placement);
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
  return new LiveSurroundings(pass.state, request, ownNodes(pass, workload, indexes));
}

/** The node of each allocation that the workload has beside those of the indexes to be placed. */
function ownNodes(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): NodeId[] {
  const before = liveNodesOf(pass.state, workload, new Set(indexes));
  return [...before, ...pass.placedBy(workload).map(({ id }) => id)];
}

/** A system workload's index is a node's number: it fits there or nowhere. */
function placeOnOwnNodes(pass: Pass, workload: WorkloadRecord, indexes: readonly number[]): Placed {
  const { state, ledger } = pass;
  const request = placementRequest(workload.spec);
  const byNumber = new Map<number, NodeRecord>();
  for (const node of state.nodes.values()) byNumber.set(node.number, node);
  const fleet = fleetOf(state, ledger);
  pass.countLooks(indexes.length);
  const placed: number[] = [];
  const unplaced: number[] = [];
  const unfit: NodeRecord[] = [];
  for (const index of indexes) {
    const node = byNumber.get(index);
    assert(node, `${workload.id}[${index}] belongs to no node`);
    const placement = placementOn(fleet, request, node, pass.nextAllocationNumber);
    if (!placement) {
      unplaced.push(index);
      unfit.push(node);
      continue;
    }
    if (!addPlacement(pass, workload, index, placement)) {
      return { placed, unplaced: [], noFit: null, isCut: true };
    }
    ledger.take(node, placement.granted);
    placed.push(index);
  }
  const noFit = unfit.length === 0 ? null : explainNoFit(request, unfit, ledger);
  return { placed, unplaced, noFit, isCut: false };
}

/** Why indexes of a system workload do not fit on the nodes that are theirs. */
export function noFitOnOwnNodes(
  { state, ledger }: Pass,
  { spec }: WorkloadRecord,
  indexes: readonly number[],
): NoFit {
  const numbers = new Set(indexes);
  const nodes = [...state.nodes.values()].filter(({ number }) => numbers.has(number));
  return explainNoFit(placementRequest(spec), nodes, ledger);
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
