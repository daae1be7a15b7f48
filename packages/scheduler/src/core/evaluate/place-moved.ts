import type { NodeId } from "@berth/protocol";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import type { Pass } from "./pass.ts";
import { placeIndexes } from "./place-indexes.ts";
import { withConstraint } from "./with-constraint.ts";

export interface PlacedMoved {
  readonly placed: number[];
  /** Indexes that were not to go anywhere in particular, or cannot any more. */
  readonly rest: readonly number[];
  readonly isCut: boolean;
}

/**
 * Places an index of an allocation that was asked to move where it was to go, if there is room now.
 * One in a pass: what the next one may do depends on where this one is.
 */
export function placeMoved(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): PlacedMoved {
  for (const index of indexes) {
    const target = targetOf(pass.state, workload, index);
    if (target === null) continue;
    const there = withConstraint(workload, `node.id == ${target}`);
    const { placed, isCut } = placeIndexes(pass, there, [index]);
    if (isCut) return { placed: [], rest: [], isCut };
    if (placed.length > 0) return { placed, rest: [], isCut: indexes.length > 1 };
  }
  return { placed: [], rest: indexes, isCut: false };
}

/** The node that the index's last allocation was asked to move to; null for none that is there. */
function targetOf(
  { moves, nodes }: ClusterState,
  { slots }: WorkloadRecord,
  index: number,
): NodeId | null {
  if (moves.size === 0) return null;
  const last = slots.get(index)?.history.at(-1);
  const target = last === undefined ? undefined : moves.get(last);
  return target !== undefined && nodes.has(target) ? target : null;
}
