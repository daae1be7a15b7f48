import type { AllocationId, AllocationView, NodeView, WorkloadId } from "@berth/protocol";
import { amountOf, type ShownDimension } from "./dimension.ts";

/** How much of an allocation's grant it uses, by dimension; null where nobody measures it. */
export interface AllocationUse {
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
}

/** One allocation in one dimension. Positions are fractions of the node's capacity. */
export interface Block {
  readonly allocation: AllocationId;
  readonly workload: WorkloadId;
  readonly index: number;
  readonly isStopping: boolean;
  readonly start: number;
  readonly size: number;
  readonly amount: number;
  /** Used share of the grant, at most 1; null when unknown. */
  readonly used: number | null;
}

/** One dimension of one node, from left to right: reserved, the blocks, free. */
export interface Lane {
  readonly dimension: ShownDimension;
  /** Null when the node does not know what it has: then there is nothing to draw to scale. */
  readonly capacity: number | null;
  readonly reserved: number;
  readonly granted: number;
  readonly free: number | null;
  /** Fraction of the capacity that is kept back for the system. */
  readonly reservedSize: number;
  readonly blocks: readonly Block[];
}

type Live = Pick<AllocationView, "id" | "workload" | "index" | "status" | "granted">;

/**
 * Lays the live allocations of a node out along one dimension, in the same order in every one, so
 * that the eye can follow one allocation across them.
 */
export function layOutLane(
  node: Pick<NodeView, "capacity" | "reserved" | "gpus">,
  allocations: readonly Live[],
  dimension: ShownDimension,
  useOf: (id: AllocationId) => AllocationUse | undefined,
): Lane {
  const capacity = dimension === "gpu" ? node.gpus.total : amountOf(node.capacity, dimension);
  const reserved = dimension === "gpu" ? 0 : (amountOf(node.reserved, dimension) ?? 0);
  const scale = capacity === null || capacity === 0 ? 0 : 1 / capacity;
  const reservedSize = Math.min(1, reserved * scale);
  const blocks: Block[] = [];
  let start = reservedSize;
  let granted = 0;
  for (const allocation of allocations) {
    const amount = grantedAmount(allocation.granted, dimension);
    if (amount === 0) continue;
    granted += amount;
    const size = amount * scale;
    blocks.push({
      allocation: allocation.id,
      workload: allocation.workload,
      index: allocation.index,
      isStopping: allocation.status === "stopping",
      start,
      size,
      amount,
      used: usedShare(useOf(allocation.id), dimension, amount),
    });
    start += size;
  }
  const free = capacity === null ? null : Math.max(0, capacity - reserved - granted);
  return { dimension, capacity, reserved, granted, free, reservedSize, blocks };
}

/** The live allocations of each node, by number: the order in which they were placed. */
export function liveByNode(
  allocations: Iterable<AllocationView>,
): ReadonlyMap<string, readonly AllocationView[]> {
  const byNode = new Map<string, AllocationView[]>();
  for (const allocation of allocations) {
    if (!isLive(allocation)) continue;
    const there = byNode.get(allocation.node);
    if (there) there.push(allocation);
    else byNode.set(allocation.node, [allocation]);
  }
  for (const list of byNode.values()) list.sort(byAllocationNumber);
  return byNode;
}

export function isLive({ status }: Pick<AllocationView, "status">): boolean {
  return status === "placed" || status === "running" || status === "stopping";
}

export function byAllocationNumber(
  a: Pick<AllocationView, "id">,
  b: Pick<AllocationView, "id">,
): number {
  return Number(a.id.slice(1)) - Number(b.id.slice(1));
}

export function grantedAmount(
  granted: AllocationView["granted"],
  dimension: ShownDimension,
): number {
  return dimension === "gpu" ? granted.gpuUuids.length : (amountOf(granted, dimension) ?? 0);
}

/** The measured amount in a dimension; null where agents do not measure it per allocation. */
export function usedAmount(
  use: AllocationUse | undefined,
  dimension: ShownDimension,
): number | null {
  if (dimension === "cpu") return use?.cpuMillis ?? null;
  if (dimension === "memory") return use?.memoryMiB ?? null;
  return null;
}

function usedShare(
  use: AllocationUse | undefined,
  dimension: ShownDimension,
  granted: number,
): number | null {
  const used = usedAmount(use, dimension);
  return used === null ? null : Math.min(1, used / granted);
}
