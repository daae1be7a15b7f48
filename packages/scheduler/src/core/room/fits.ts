import { limits } from "@berth/protocol";
import { allocatable, firstLack } from "../place/check-node.ts";
import {
  fitsShare,
  freeGpus,
  freeShareMillis,
  isShare,
  matchingGpus,
  memoryOfShare,
} from "../place/gpus.ts";
import { grantOn } from "../place/grant.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { allocatableStorage } from "../place/storage.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { grantableMillis } from "../state/grants.ts";
import { addGrant, copyUsage, type NodeUsage } from "../state/node-usage.ts";

/**
 * How many of a request without ports the node can still take, one after the other: what placing them
 * until none fits would come to. Most requests are counted at once, because what each takes is the
 * same on whichever device or disk; zones and cores of its own are tried.
 */
export function fitsOf(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  if (firstLack(request, node, usage) !== null) return 0;
  const isCounted = request.numa === null && !request.exclusiveCores;
  return isCounted ? countFits(request, node, usage) : tryFits(request, node, usage);
}

/** The slow way, which needs no reasoning. */
export function tryFits(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  const account = copyUsage(usage);
  let fits = 0;
  while (firstLack(request, node, account) === null) {
    addGrant(account, grantOn(request, node, account, 1));
    fits += 1;
  }
  return fits;
}

function countFits(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  const { amounts } = request;
  const { granted } = usage;
  let fits = limits.allocationsPerNodeMax - usage.allocations;
  const atMost = (free: number, asked: number) => {
    if (asked > 0) fits = Math.min(fits, Math.floor(Math.max(0, free) / asked));
  };
  atMost(cpuOf(node, usage) - granted.cpuMillis, amounts.cpuMillis);
  atMost((allocatable(node, "memoryMiB") ?? 0) - granted.memoryMiB, amounts.memoryMiB);
  atMost((allocatable(node, "networkMbps") ?? 0) - granted.networkMbps, amounts.networkMbps);
  for (const [name, asked] of request.devices) {
    atMost((node.description.devices?.[name] ?? 0) - (usage.devices.get(name) ?? 0), asked);
  }
  if (amounts.diskMiB > 0) {
    atMost((allocatable(node, "diskMiB") ?? 0) - granted.diskMiB, amounts.diskMiB);
    fits = Math.min(fits, diskFits(request, node, usage));
  }
  return request.gpu === null ? fits : Math.min(fits, gpuFits(request, node, usage));
}

/** What may be granted in all, as things are. */
export function cpuOf(node: NodeRecord, { exclusiveMillis }: NodeUsage): number {
  const there = allocatable(node, "cpuMillis") ?? 0;
  return grantableMillis(node.cpuOvercommitPercent, there, exclusiveMillis);
}

function diskFits(
  { diskClass, amounts }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): number {
  let fits = 0;
  for (const [at, { mediaClass, diskMiB }] of allocatableStorage(node).entries()) {
    if (diskClass !== null && mediaClass !== diskClass) continue;
    fits += Math.max(0, Math.floor((diskMiB - (usage.storage[at] ?? 0)) / amounts.diskMiB));
  }
  return fits;
}

function gpuFits({ gpu }: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  if (gpu === null) return 0;
  if (!isShare(gpu)) {
    const free = new Map<string, number>();
    for (const { model } of freeGpus(node, usage, gpu)) free.set(model, (free.get(model) ?? 0) + 1);
    let fits = 0;
    for (const count of free.values()) fits += Math.floor(count / gpu.count);
    return fits;
  }
  const shareMillis = gpu.shareMillis ?? 1;
  let fits = 0;
  for (const device of matchingGpus(node, gpu)) {
    if (!fitsShare(usage, device, gpu)) continue;
    const shares = Math.floor(freeShareMillis(usage, device) / shareMillis);
    const ofEachMiB = memoryOfShare(device, gpu);
    const takenMiB = usage.gpus.get(device.uuid)?.memoryMiB ?? 0;
    const isBounded = device.memoryMiB !== null && ofEachMiB !== null && ofEachMiB > 0;
    fits += isBounded
      ? Math.min(shares, Math.floor(((device.memoryMiB ?? 0) - takenMiB) / (ofEachMiB ?? 1)))
      : shares;
  }
  return fits;
}
