import type { Gpu, NumaNode, NumaZone, ResourceCapacity } from "@berth/protocol";

const MILLIS_PER_THREAD = 1_000;

/**
 * The zones that allocations are granted in: each without its share of what is kept back. Null
 * where the NUMA nodes are not those of this node's capacity, as in a container that is shown fewer
 * processors than the host has. A NUMA node without processors is no zone: nothing can run in it.
 */
export function zonesOf(
  nodes: readonly NumaNode[],
  gpus: readonly Gpu[],
  capacity: ResourceCapacity,
  reserved: ResourceCapacity,
): NumaZone[] | null {
  const threads = nodes.reduce((sum, node) => sum + node.threads, 0);
  const memoryMiB = nodes.reduce((sum, node) => sum + (node.memoryMiB ?? 0), 0);
  const isWhole = threads * MILLIS_PER_THREAD === capacity.cpuMillis;
  // Sums of MiB that were each rounded down.
  if (!isWhole || memoryMiB === 0 || memoryMiB > capacity.memoryMiB) return null;
  const known = nodes.flatMap((node) =>
    node.memoryMiB === null ? [] : [{ ...node, memoryMiB: node.memoryMiB }],
  );
  return known
    .filter((node) => node.threads > 0)
    .map((node) => ({
      id: node.id,
      cpuMillis: withoutShare(
        node.threads * MILLIS_PER_THREAD,
        capacity.cpuMillis,
        reserved.cpuMillis,
      ),
      memoryMiB: withoutShare(node.memoryMiB, memoryMiB, reserved.memoryMiB),
      gpuUuids: gpus.filter(({ numaNode }) => numaNode === node.id).flatMap(grantedUuids),
    }));
}

/** What is granted of a device: itself, or each slice of it. */
function grantedUuids({ uuid, slices = [] }: Gpu): string[] {
  return slices.length === 0 ? [uuid] : slices.map((slice) => slice.uuid);
}

const SUM_SHARE_MIN = 0.98;

/**
 * The nodes, without their memory where it does not add up to what the system has: a virtual machine that
 * gets its memory bit by bit tells another amount each hour.
 */
export function withCredibleMemory(nodes: readonly NumaNode[], memoryMiB: number): NumaNode[] {
  const sumMiB = nodes.reduce((sum, node) => sum + (node.memoryMiB ?? 0), 0);
  if (sumMiB >= memoryMiB * SUM_SHARE_MIN) return [...nodes];
  return nodes.map((node) => ({ ...node, memoryMiB: null }));
}

function withoutShare(amount: number, total: number, reserved: number): number {
  return Math.max(0, amount - Math.ceil((reserved * amount) / total));
}
