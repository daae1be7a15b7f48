import type { NoFit, Rejection, RejectionCode } from "@berth/protocol";

/** One step of the way from all nodes to none: how many fail here, and how many go on. */
export interface FunnelStep {
  readonly label: string;
  readonly rejection: Rejection;
  readonly remaining: number;
  /** Fractions of all nodes, for drawing. */
  readonly failedShare: number;
  readonly remainingShare: number;
}

/** Every node leaves at exactly one step; what remains at the end fits, and here that is nobody. */
export function funnelOf({ nodesTotal, rejections }: NoFit): FunnelStep[] {
  let remaining = nodesTotal;
  const scale = nodesTotal === 0 ? 0 : 1 / nodesTotal;
  return rejections.map((rejection) => {
    remaining -= rejection.nodes;
    return {
      label: stepLabels[rejection.code],
      rejection,
      remaining,
      failedShare: rejection.nodes * scale,
      remainingShare: remaining * scale,
    };
  });
}

export const stepLabels: Readonly<Record<RejectionCode, string>> = {
  "node.down": "Node is up",
  "node.suspect": "Node answers",
  "node.draining": "Node is not draining",
  "node.cordoned": "Node takes placements",
  pool: "Pool",
  taint: "Taints tolerated",
  "driver.unavailable": "Driver works",
  constraint: "Constraint holds",
  "gpu.model": "GPU model",
  "gpu.capacity": "GPUs in all",
  "gpu.health": "GPUs healthy",
  "device.capacity": "Devices in all",
  "cpu.capacity": "CPU in all",
  "memory.capacity": "Memory in all",
  "disk.class": "Disk class",
  "disk.capacity": "Disk in all",
  "disk.health": "Disk healthy",
  "network.unknown": "Network speed known",
  "network.capacity": "Network in all",
  "numa.capacity": "NUMA zone large enough",
  "allocations.max": "Room for one more",
  distinct: "Distinct values",
  colocation: "Beside its companion",
  "gpu.free": "GPUs free",
  "gpu.share": "Share of a GPU free",
  "device.free": "Devices free",
  "cpu.free": "CPU free",
  "memory.free": "Memory free",
  "disk.free": "Disk free",
  "network.free": "Network free",
  "numa.free": "NUMA zone free",
  "port.static": "Fixed port free",
  "port.range": "Ports free",
  reserved: "Not kept for others",
};
