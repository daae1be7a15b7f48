import { limits, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { allocatable } from "../place/check-node.ts";
import { healthyGpus } from "../place/gpus.ts";
import { allocatableStorage } from "../place/storage.ts";
import { isOpen, type NodeRecord } from "../state/cluster-state.ts";
import { grantableMillis } from "../state/grants.ts";
import type { NodeUsage } from "../state/node-usage.ts";
import { UNKNOWN } from "./fleet-columns.ts";
import type { GpuRoom, NodeRoom } from "./fleet.ts";

/** What a node has free when this much of it is taken. */
export function roomOf(node: NodeRecord, usage: NodeUsage): NodeRoom {
  const { granted, exclusiveMillis, allocations } = usage;
  const cpuMillis = allocatable(node, "cpuMillis") ?? 0;
  const grantable = grantableMillis(node.cpuOvercommitPercent, cpuMillis, exclusiveMillis);
  const networkMbps = allocatable(node, "networkMbps");
  return {
    isOpen: isOpen(node) && node.drain === null && allocations < limits.allocationsPerNodeMax,
    cpuMillis: Math.max(0, grantable - granted.cpuMillis),
    memoryMiB: Math.max(0, (allocatable(node, "memoryMiB") ?? 0) - granted.memoryMiB),
    diskMiB: freeDiskMiB(node, usage),
    networkMbps: networkMbps === null ? UNKNOWN : Math.max(0, networkMbps - granted.networkMbps),
    ports: freePorts(node, usage),
    ...freeZone(node, usage),
    gpus: healthyGpus(node)
      .filter(({ profile }) => profile === null)
      .map((device): GpuRoom => {
        const use = usage.gpus.get(device.uuid);
        const memoryMiB = device.memoryMiB ?? Number.POSITIVE_INFINITY;
        return {
          model: device.model,
          memoryMiB: device.memoryMiB,
          // A device may be kept for several at once.
          freeMillis: Math.max(0, WHOLE_GPU_MILLIS - (use?.shareMillis ?? 0)),
          freeMemoryMiB: Math.max(0, memoryMiB - (use?.memoryMiB ?? 0)),
        };
      }),
  };
}

function freeDiskMiB(node: NodeRecord, { storage }: NodeUsage): number {
  let most = 0;
  for (const [at, { diskMiB }] of allocatableStorage(node).entries()) {
    most = Math.max(most, diskMiB - (storage[at] ?? 0));
  }
  return most;
}

function freePorts({ description }: NodeRecord, { ports }: NodeUsage): number {
  const { from, to } = description.portRange;
  let free = Math.max(0, to - from + 1);
  for (const port of ports) if (from <= port && port <= to) free -= 1;
  return free;
}

function freeZone({ description }: NodeRecord, { zones }: NodeUsage) {
  let zoneCpuMillis = 0;
  let zoneMemoryMiB = 0;
  for (const { id, cpuMillis, memoryMiB } of description.zones ?? []) {
    const used = zones.get(id);
    zoneCpuMillis = Math.max(zoneCpuMillis, cpuMillis - (used?.cpuMillis ?? 0));
    zoneMemoryMiB = Math.max(zoneMemoryMiB, memoryMiB - (used?.memoryMiB ?? 0));
  }
  return { zoneCpuMillis, zoneMemoryMiB };
}
