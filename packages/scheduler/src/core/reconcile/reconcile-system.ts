import type { SystemSpec } from "@berth/protocol";
import { meetsConstraints } from "../place/check-node.ts";
import { placementRequest } from "../place/placement-request.ts";
import {
  type AllocationRecord,
  isAvailable,
  isOpen,
  type NodeRecord,
} from "../state/cluster-state.ts";
import { systemDrainOf } from "./drain.ts";
import { paceStops } from "./pace-stops.ts";
import { liveOf, type ReconcileContext } from "./reconcile-context.ts";
import {
  placeOrBackOff,
  type Reconciliation,
  stopOnceConfirmed,
  waitForPredecessor,
} from "./reconciliation.ts";

/**
 * One allocation on each node that is open and meets the constraints; its index is the node's
 * number. A cordoned node keeps what it has, a node that no longer matches does not.
 */
export function reconcileSystem(
  context: ReconcileContext,
  spec: SystemSpec,
  result: Reconciliation,
): void {
  const { state, workload, nowUnixMs } = context;
  const request = placementRequest(spec);
  const outdated: AllocationRecord[] = [];
  let unavailable = 0;
  for (const node of byNumber(state.nodes.values())) {
    const slot = workload.slots.get(node.number);
    const live = liveOf(state, slot);
    const isWanted = meetsConstraints(request, node);
    const isRefilled = isWanted && isOpen(node);
    if (isRefilled && (!live || !isAvailable(live))) unavailable += 1;
    if (!live) {
      if (isRefilled) placeOrBackOff(result, node.number, slot, nowUnixMs);
      continue;
    }
    if (live.status !== "stopping") {
      if (!isWanted) stopOnceConfirmed(result, live, "node.unmatched");
      else if (systemDrainOf(state, live, nowUnixMs))
        stopOnceConfirmed(result, live, "node.drained");
      else if (live.health === "unhealthy") stopOnceConfirmed(result, live, "unhealthy");
      else {
        if (live.workloadVersion < workload.taskVersion) outdated.push(live);
        continue;
      }
    }
    if (isRefilled) waitForPredecessor(result, live);
  }
  paceStops(context, spec.update.maxUnavailable, unavailable, outdated, result);
}

function byNumber(nodes: Iterable<NodeRecord>): NodeRecord[] {
  return [...nodes].sort((a, b) => a.number - b.number);
}
