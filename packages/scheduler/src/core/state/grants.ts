import { type AllocationId, dimensions, type Grant, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { NodeRecord } from "./cluster-state.ts";
import { addGrant, subtractGrant } from "./node-usage.ts";

/** A new allocation takes what it was granted from its node, which must have it. */
export function takeGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  const { capacity, reserved } = node.description;
  holdGrant(node, id, granted);
  for (const dimension of dimensions) {
    const there = (capacity[dimension] ?? 0) - (reserved[dimension] ?? 0);
    const { exclusiveMillis } = node.usage;
    const allocatable =
      dimension === "cpuMillis"
        ? grantableMillis(node.cpuOvercommitPercent, there, exclusiveMillis)
        : there;
    assert(
      granted[dimension] === 0 || node.usage.granted[dimension] <= allocatable,
      `${dimension} of ${node.id} is overgranted`,
    );
  }
  for (const [name, count] of Object.entries(granted.devices ?? {})) {
    const there = node.description.devices?.[name] ?? 0;
    const isThere = count === 0 || (node.usage.devices.get(name) ?? 0) <= there;
    assert(isThere, `${name} of ${node.id} is overgranted`);
  }
}

/** Exclusive cores are granted once, the others as often as the pool's overcommit says. */
export function grantableMillis(
  cpuOvercommitPercent: number,
  thereMillis: number,
  exclusiveMillis: number,
): number {
  const sharedMillis = Math.max(0, thereMillis - exclusiveMillis);
  return exclusiveMillis + Math.floor((sharedMillis * cpuOvercommitPercent) / 100);
}

/** A live allocation holds what it was granted, even where its node has shrunk since. */
export function holdGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  const { ports, gpus } = node.usage;
  for (const port of Object.values(granted.ports)) {
    if (ports.has(port)) assert(false, `port ${port} of ${node.id} is granted twice`);
  }
  const shareMillis = granted.gpuShareMillis ?? WHOLE_GPU_MILLIS;
  for (const uuid of granted.gpuUuids) {
    const taken = gpus.get(uuid)?.shareMillis ?? 0;
    if (taken + shareMillis > WHOLE_GPU_MILLIS) assert(false, `GPU ${uuid} is granted twice`);
  }
  addGrant(node.usage, granted);
  node.live.add(id);
}

export function releaseGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  subtractGrant(node.usage, granted);
  node.live.delete(id);
  node.stopping.delete(id);
}
