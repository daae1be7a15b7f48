import type { Grant } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { NodeRecord } from "../state/cluster-state.ts";
import { chooseGpus, chooseShare, isShare, memoryOfShare } from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { choosePorts } from "./ports.ts";
import { chooseDisk } from "./storage.ts";
import { chooseZone, isIn } from "./zones.ts";

/**
 * What exactly a node that fits gives: devices, ports, the disk, the zone. `leftover` says what is left
 * of a GPU is worth; see `chooseShare`.
 */
export function grantOn(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  allocationNumber: number,
  leftover: Int32Array | null = null,
): Grant {
  const zone = request.numa === null ? null : chooseZone(request, node, usage);
  assert(
    zone !== null || request.numa !== "require",
    `no zone on ${node.id}, which was found to fit`,
  );
  const isAllowed = (uuid: string) => zone === null || isIn(zone, uuid);
  return {
    ...request.amounts,
    ...gpusOn(request, node, usage, isAllowed, leftover),
    ports: choosePorts(node, usage, request, allocationNumber),
    ...(request.devices.length === 0 ? {} : { devices: Object.fromEntries(request.devices) }),
    ...diskOn(request, node, usage),
    ...(zone === null ? {} : { zone: zone.id }),
    ...(request.exclusiveCores ? { exclusiveCores: true } : {}),
  };
}

function gpusOn(
  { gpu }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  isAllowed: (uuid: string) => boolean,
  leftover: Int32Array | null,
): Pick<Grant, "gpuUuids" | "gpuShareMillis" | "gpuMemoryMiB"> {
  if (!gpu) return { gpuUuids: [] };
  if (!isShare(gpu)) {
    const chosen = chooseGpus(node, usage, gpu, isAllowed);
    assert(chosen.length === gpu.count, `too few GPUs on ${node.id}, which was found to fit`);
    return { gpuUuids: chosen.map(({ uuid }) => uuid) };
  }
  const chosen = chooseShare(node, usage, gpu, isAllowed, leftover);
  assert(chosen, `no share of a GPU on ${node.id}, which was found to fit`);
  const memoryMiB = memoryOfShare(chosen, gpu);
  return {
    gpuUuids: [chosen.uuid],
    ...(gpu.shareMillis === undefined ? {} : { gpuShareMillis: gpu.shareMillis }),
    ...(memoryMiB === null ? {} : { gpuMemoryMiB: memoryMiB }),
  };
}

function diskOn(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): Pick<Grant, "storage"> {
  const disks = node.description.storage?.length ?? 1;
  if (request.amounts.diskMiB === 0 || disks === 1) return {};
  const storage = chooseDisk(request, node, usage);
  assert(storage !== null, `no disk on ${node.id}, which was found to fit`);
  return { storage };
}
