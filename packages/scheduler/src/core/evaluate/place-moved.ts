import type { NodeId } from "@berth/protocol";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import type { Pass } from "./pass.ts";
import { type Placed, placeIndexes } from "./place-indexes.ts";
import { withConstraint } from "./with-constraint.ts";

/**
 * Finds a place for each index, as `placeIndexes` does; one whose last allocation was asked to move
 * goes where that was to go, if there is room now. Such an index is placed by itself: what others may
 * do depends on where it is, so that they wait for the next pass.
 */
export function placeMovedFirst(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): Placed {
  for (const index of indexes) {
    const target = targetOf(pass.state, workload, index);
    if (target === null) continue;
    const there = placeIndexes(pass, withConstraint(workload, `node.id == ${target}`), [index]);
    if (there.isCut) return there;
    if (there.placed.length > 0) return { ...there, isCut: indexes.length > 1 };
  }
  return placeIndexes(pass, workload, indexes);
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
