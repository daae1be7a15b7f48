import { type AllocationId, dimensions, type Grant, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { NodeRecord } from "./cluster-state.ts";
import { addWithoutPorts, subtractGrant } from "./node-usage.ts";

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
      () => `${dimension} of ${node.id} is overgranted`,
    );
  }
  for (const [name, count] of Object.entries(granted.devices ?? {})) {
    const there = node.description.devices?.[name] ?? 0;
    const isThere = count === 0 || (node.usage.devices.get(name) ?? 0) <= there;
    assert(isThere, () => `${name} of ${node.id} is overgranted`);
  }
}

/** Exclusive cores are granted once, the others as often as the pool's overcommit says. */
export function grantableMillis(
  cpuOvercommitPercent: number,
  thereMillis: number,
  exclusiveMillis: number,
): number {
  const sharedMillis = Math.max(0, thereMillis - exclusiveMillis);
  return (
    Math.min(exclusiveMillis, thereMillis) + Math.floor((sharedMillis * cpuOvercommitPercent) / 100)
  );
}

/** A live allocation holds what it was granted, even where its node has shrunk since. */
function holdGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  requireFreeGpus(node, granted);
  addWithoutPorts(node.usage, granted);
  for (const port of Object.values(granted.ports)) takePort(node, port);
  node.live.add(id);
}

/**
 * What a node holds, told one allocation at a time and held all at once. With a million allocations
 * all over the cluster, filling the sets of one node after the other takes half the time of going
 * back and forth between them.
 */
export class Holdings {
  readonly #node: NodeRecord;
  readonly #numbers: number[] = [];
  readonly #ports: number[] = [];

  constructor(node: NodeRecord) {
    this.#node = node;
  }

  /** Ascending by number. */
  add(number: number, granted: Grant): void {
    requireFreeGpus(this.#node, granted);
    addWithoutPorts(this.#node.usage, granted);
    this.#ports.push(...Object.values(granted.ports));
    this.#numbers.push(number);
  }

  hold(): void {
    for (const port of this.#ports) takePort(this.#node, port);
    this.#node.live.addNumbers(this.#numbers);
  }
}

function takePort({ id, usage: { ports } }: NodeRecord, port: number): void {
  assert(!ports.has(port), () => `port ${port} of ${id} is granted twice`);
  ports.add(port);
}

function requireFreeGpus({ id, usage: { gpus } }: NodeRecord, granted: Grant): void {
  const shareMillis = granted.gpuShareMillis ?? WHOLE_GPU_MILLIS;
  for (const uuid of granted.gpuUuids) {
    const takenMillis = gpus.get(uuid)?.shareMillis ?? 0;
    const isFree = takenMillis + shareMillis <= WHOLE_GPU_MILLIS;
    assert(isFree, () => `GPU ${uuid} of ${id} is granted twice`);
  }
}

export function releaseGrant(node: NodeRecord, id: AllocationId, granted: Grant): void {
  subtractGrant(node.usage, granted);
  node.live.delete(id);
  node.stopping.delete(id);
}
