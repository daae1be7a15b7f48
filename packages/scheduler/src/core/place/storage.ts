import type { Storage } from "@berth/protocol";
import type { Described, NodeRecord } from "../state/cluster-state.ts";
import type { NodeUsage } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";

/**
 * The node's disk space by disk, without what the system keeps: that is taken from the first disk,
 * where systems live, and only what that lacks from the next.
 */
export function usableStorage({ description }: NodeRecord): readonly Storage[] {
  const { capacity, reserved, storage } = description;
  let keptMiB = reserved.diskMiB;
  const disks = storage ?? [{ mediaClass: null, diskMiB: capacity.diskMiB }];
  return disks.map((disk) => {
    const hereMiB = Math.min(keptMiB, disk.diskMiB);
    keptMiB -= hereMiB;
    return { ...disk, diskMiB: disk.diskMiB - hereMiB };
  });
}

/** The same with nothing on disks that are not healthy. */
export function allocatableStorage(node: NodeRecord): readonly Storage[] {
  const disks = usableStorage(node);
  const isUnhealthy = ({ health }: Storage) => health?.state === "unhealthy";
  if (!disks.some(isUnhealthy)) return disks;
  return disks.map((disk) => (isUnhealthy(disk) ? { ...disk, diskMiB: 0 } : disk));
}

/** Whether the node has a disk of the class asked for. */
export function hasDiskClass({ diskClass }: PlacementRequest, node: Described): boolean {
  if (diskClass === null) return true;
  return (node.description.storage ?? []).some(({ mediaClass }) => mediaClass === diskClass);
}

/** The most that one disk of the class has in all. */
export function largestDiskMiB(request: PlacementRequest, node: NodeRecord): number {
  return largestOf(request, usableStorage(node));
}

/** The most that one healthy disk of the class has in all. */
export function largestHealthyDiskMiB(request: PlacementRequest, node: NodeRecord): number {
  return largestOf(request, allocatableStorage(node));
}

function largestOf({ diskClass }: PlacementRequest, disks: readonly Storage[]): number {
  let largest = 0;
  for (const { mediaClass, diskMiB } of disks) {
    if (diskClass === null || mediaClass === diskClass) largest = Math.max(largest, diskMiB);
  }
  return largest;
}

/** The most that is free on one disk of the class. */
export function mostFreeDiskMiB(
  { diskClass }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): number {
  let most = 0;
  for (const [at, { mediaClass, diskMiB }] of allocatableStorage(node).entries()) {
    if (diskClass !== null && mediaClass !== diskClass) continue;
    most = Math.max(most, diskMiB - (usage.storage[at] ?? 0));
  }
  return most;
}

/** The disk with least left after the request, so that the others stay large; null for none. */
export function chooseDisk(
  { diskClass, amounts }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): number | null {
  let best: number | null = null;
  let leastMiB = Number.POSITIVE_INFINITY;
  for (const [at, { mediaClass, diskMiB }] of allocatableStorage(node).entries()) {
    if (diskClass !== null && mediaClass !== diskClass) continue;
    const leftMiB = diskMiB - (usage.storage[at] ?? 0) - amounts.diskMiB;
    if (leftMiB < 0 || leftMiB >= leastMiB) continue;
    best = at;
    leastMiB = leftMiB;
  }
  return best;
}
