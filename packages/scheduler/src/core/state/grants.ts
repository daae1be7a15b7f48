import { type AllocationId, dimensions, type Grant } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { NodeRecord } from "./cluster-state.ts";

/** A new allocation takes what it was granted from its node, which must have it. */
export function takeGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  const { capacity, reserved } = node.description;
  holdGrant(node, id, granted);
  for (const dimension of dimensions) {
    const allocatable = (capacity[dimension] ?? 0) - (reserved[dimension] ?? 0);
    assert(
      granted[dimension] === 0 || node.granted[dimension] <= allocatable,
      `${dimension} of ${node.id} is overgranted`,
    );
  }
}

/** A live allocation holds what it was granted, even where its node has shrunk since. */
export function holdGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  for (const port of Object.values(granted.ports)) {
    if (node.portsInUse.has(port)) assert(false, `port ${port} of ${node.id} is granted twice`);
    node.portsInUse.add(port);
  }
  for (const uuid of granted.gpuUuids) {
    if (node.gpusInUse.has(uuid)) assert(false, `GPU ${uuid} is granted twice`);
    node.gpusInUse.add(uuid);
  }
  for (const dimension of dimensions) node.granted[dimension] += granted[dimension];
  node.live.add(id);
}

export function releaseGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  for (const port of Object.values(granted.ports)) node.portsInUse.delete(port);
  for (const uuid of granted.gpuUuids) node.gpusInUse.delete(uuid);
  for (const dimension of dimensions) node.granted[dimension] -= granted[dimension];
  node.live.delete(id);
  node.stopping.delete(id);
}
