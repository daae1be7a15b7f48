import type { NumaZone } from "@berth/protocol";
import type { NodeRecord } from "../state/cluster-state.ts";
import { chooseGpus, chooseShare, isShare, matchingGpus, mostOfOneModel } from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";

/** Whether a zone of the node is large enough when nothing is granted in it. */
export function hasZone(request: PlacementRequest, node: NodeRecord): boolean {
  return (node.description.zones ?? []).some((zone) => {
    const { cpuMillis, memoryMiB } = request.amounts;
    if (zone.cpuMillis < cpuMillis || zone.memoryMiB < memoryMiB) return false;
    if (!request.gpu) return true;
    const inZone = matchingGpus(node, request.gpu).filter(({ uuid }) => isIn(zone, uuid));
    return mostOfOneModel(inZone) >= request.gpu.count;
  });
}

/** The zone with least cpu left after the request; null when none has enough of everything. */
export function chooseZone(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): NumaZone | null {
  let best: NumaZone | null = null;
  let leastMillis = Number.POSITIVE_INFINITY;
  for (const zone of node.description.zones ?? []) {
    const used = usage.zones.get(zone.id) ?? { cpuMillis: 0, memoryMiB: 0 };
    const leftMillis = zone.cpuMillis - used.cpuMillis - request.amounts.cpuMillis;
    const leftMiB = zone.memoryMiB - used.memoryMiB - request.amounts.memoryMiB;
    if (leftMillis < 0 || leftMiB < 0 || leftMillis >= leastMillis) continue;
    if (!hasGpus(request, node, usage, zone)) continue;
    best = zone;
    leastMillis = leftMillis;
  }
  return best;
}

function hasGpus(
  { gpu }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  zone: NumaZone,
): boolean {
  if (!gpu) return true;
  const isAllowed = (uuid: string) => isIn(zone, uuid);
  if (isShare(gpu)) return chooseShare(node, usage, gpu, isAllowed) !== null;
  return chooseGpus(node, usage, gpu, isAllowed).length === gpu.count;
}

export function isIn(zone: NumaZone, uuid: string): boolean {
  return zone.gpuUuids.includes(uuid);
}
