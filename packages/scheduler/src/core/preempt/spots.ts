import { type Grant, limits, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { allocatable, grantable } from "../place/check-node.ts";
import { type GpuDevice, isShare, matchingGpus, memoryOfShare } from "../place/gpus.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { allocatableStorage } from "../place/storage.ts";
import { isIn } from "../place/zones.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import type { NodeUsage } from "../state/node-usage.ts";

/** An amount that a node lacks for a request, and how much of it the end of an allocation frees. */
export interface Need {
  readonly missing: number;
  readonly freedBy: (grant: Grant) => number;
}

/**
 * One place on a node that a request could take: a disk, a NUMA zone, devices of one model or one
 * device to share. Whatever makes the request fit the node meets all needs of one spot.
 */
export interface Spot {
  readonly needs: readonly Need[];
  /** Whether the request fits as soon as the needs are met. */
  readonly isAdditive: boolean;
}

/** What evictions on a node start from. */
export interface Occupied {
  readonly node: NodeRecord;
  readonly usage: NodeUsage;
  /** The usage once everything that may be evicted is gone. */
  readonly bare: NodeUsage;
  /** Of everything that may be evicted. */
  readonly grants: readonly Grant[];
}

/**
 * The spots of a node, each with what is missing there. It only serves to look in the right places
 * first and to give up early: `firstLack` alone says what fits.
 */
export function spotsOf(request: PlacementRequest, occupied: Occupied): Spot[] {
  const { node, usage } = occupied;
  const zones = request.numa === "require" ? (node.description.zones ?? []) : [null];
  const general: Spot = {
    needs: [...amountNeeds(request, node, usage), ...portNeeds(request, node, usage)],
    isAdditive: node.cpuOvercommitPercent === 100 || usage.exclusiveMillis === 0,
  };
  const spots: Spot[] = [];
  for (const zone of zones) {
    const isAllowed = (uuid: string) => zone === null || isIn(zone, uuid);
    const inZone = zone === null ? [] : zoneNeeds(request, usage, zone);
    for (const gpu of gpuSpots(request, occupied, isAllowed)) {
      for (const disk of diskNeeds(request, node, usage)) {
        const needs = [...general.needs, ...inZone, ...gpu.needs, ...disk];
        spots.push({
          needs: needs.filter(({ missing }) => missing > 0),
          isAdditive: general.isAdditive && gpu.isAdditive,
        });
      }
    }
  }
  return spots;
}

function amountNeeds(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): Need[] {
  const { amounts, devices } = request;
  const percent = node.cpuOvercommitPercent;
  const needs: Need[] = [
    {
      missing: 1 + usage.allocations - limits.allocationsPerNodeMax,
      freedBy: () => 1,
    },
  ];
  if (amounts.cpuMillis > 0) {
    const there = grantable(request, node, usage, "cpuMillis") ?? 0;
    needs.push({
      missing: amounts.cpuMillis + usage.granted.cpuMillis - there,
      // A core that was exclusive is shared afterwards, and so granted several times.
      freedBy: ({ cpuMillis, exclusiveCores }) =>
        exclusiveCores ? Math.ceil((cpuMillis * percent) / 100) : cpuMillis,
    });
  }
  for (const dimension of ["memoryMiB", "networkMbps"] as const) {
    if (amounts[dimension] === 0) continue;
    const there = allocatable(node, dimension) ?? 0;
    const missing = amounts[dimension] + usage.granted[dimension] - there;
    needs.push({ missing, freedBy: (grant) => grant[dimension] });
  }
  for (const [name, count] of devices) {
    const there = node.description.devices?.[name] ?? 0;
    const missing = count + (usage.devices.get(name) ?? 0) - there;
    needs.push({ missing, freedBy: (grant) => grant.devices?.[name] ?? 0 });
  }
  return needs;
}

function portNeeds(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): Need[] {
  const wanted = new Set(request.staticPorts.map(([, port]) => port));
  const needs = [...wanted].map(
    (port): Need => ({
      missing: usage.ports.has(port) ? 1 : 0,
      freedBy: ({ ports }) => (Object.values(ports).includes(port) ? 1 : 0),
    }),
  );
  const { from, to } = node.description.portRange;
  const isDynamic = (port: number) => from <= port && port <= to && !wanted.has(port);
  const own = [...wanted].filter((port) => from <= port && port <= to).length;
  const taken = [...usage.ports].filter(isDynamic).length;
  needs.push({
    missing: request.dynamicPorts.length + own + taken - Math.max(0, to - from + 1),
    freedBy: ({ ports }) => Object.values(ports).filter(isDynamic).length,
  });
  return needs;
}

function zoneNeeds(
  { amounts }: PlacementRequest,
  usage: NodeUsage,
  zone: { readonly id: number; readonly cpuMillis: number; readonly memoryMiB: number },
): Need[] {
  const used = usage.zones.get(zone.id) ?? { cpuMillis: 0, memoryMiB: 0 };
  return (["cpuMillis", "memoryMiB"] as const).map((dimension) => ({
    missing: amounts[dimension] + used[dimension] - zone[dimension],
    freedBy: (grant) => (grant.zone === zone.id ? grant[dimension] : 0),
  }));
}

/** For each disk of the class, what is missing there. */
function diskNeeds(
  { amounts, diskClass }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): Need[][] {
  if (amounts.diskMiB === 0) return [[]];
  return allocatableStorage(node).flatMap(({ mediaClass, diskMiB }, at) => {
    if (diskClass !== null && mediaClass !== diskClass) return [];
    const missing = amounts.diskMiB + (usage.storage[at] ?? 0) - diskMiB;
    const freedBy = (grant: Grant) => ((grant.storage ?? 0) === at ? grant.diskMiB : 0);
    return [[{ missing, freedBy }]];
  });
}

function gpuSpots(
  { gpu }: PlacementRequest,
  { node, usage, bare, grants }: Occupied,
  isAllowed: (uuid: string) => boolean,
): Spot[] {
  if (!gpu) return [{ needs: [], isAdditive: true }];
  const matching = matchingGpus(node, gpu).filter(({ uuid }) => isAllowed(uuid));
  if (isShare(gpu)) {
    return matching.map((device) => ({
      needs: shareNeeds(usage, device, {
        shareMillis: gpu.shareMillis ?? WHOLE_GPU_MILLIS,
        memoryMiB: memoryOfShare(device, gpu),
      }),
      isAdditive: true,
    }));
  }
  const models = new Set(matching.map(({ model }) => model));
  return [...models].flatMap((model) => {
    // What somebody stays on does not become free, whoever leaves.
    const devices = matching.filter((one) => one.model === model && !bare.gpus.has(one.uuid));
    return devices.length < gpu.count ? [] : [wholeSpot(usage, devices, gpu.count, grants)];
  });
}

function shareNeeds(
  usage: NodeUsage,
  { uuid, memoryMiB: thereMiB }: GpuDevice,
  wanted: { readonly shareMillis: number; readonly memoryMiB: number | null },
): Need[] {
  const taken = usage.gpus.get(uuid);
  const share: Need = {
    missing: wanted.shareMillis + (taken?.shareMillis ?? 0) - WHOLE_GPU_MILLIS,
    freedBy: (grant) => shareOf(grant, uuid),
  };
  if (wanted.memoryMiB === null || thereMiB === null) return [share];
  const memory: Need = {
    missing: wanted.memoryMiB + (taken?.memoryMiB ?? 0) - thereMiB,
    freedBy: (grant) => (grant.gpuUuids.includes(uuid) ? (grant.gpuMemoryMiB ?? 0) : 0),
  };
  return [share, memory];
}

/** Whole devices of one model: as many thousandths, though they may be of too many devices. */
function wholeSpot(
  usage: NodeUsage,
  devices: readonly GpuDevice[],
  count: number,
  grants: readonly Grant[],
): Spot {
  const uuids = new Set(devices.map(({ uuid }) => uuid));
  let missing = count * WHOLE_GPU_MILLIS;
  for (const uuid of uuids) {
    missing -= WHOLE_GPU_MILLIS - (usage.gpus.get(uuid)?.shareMillis ?? 0);
  }
  const freedBy = (grant: Grant) =>
    grant.gpuUuids.reduce((sum, uuid) => sum + (uuids.has(uuid) ? shareOf(grant, uuid) : 0), 0);
  const isShared = grants.some(
    ({ gpuShareMillis, gpuUuids }) =>
      gpuShareMillis !== undefined && gpuUuids.some((uuid) => uuids.has(uuid)),
  );
  return { needs: [{ missing, freedBy }], isAdditive: !isShared };
}

function shareOf({ gpuUuids, gpuShareMillis = WHOLE_GPU_MILLIS }: Grant, uuid: string): number {
  return gpuUuids.includes(uuid) ? gpuShareMillis : 0;
}
