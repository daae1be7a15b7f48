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
  "driver.unavailable": "Driver works",
  constraint: "Constraint holds",
  "gpu.model": "GPU model",
  "gpu.capacity": "GPUs in all",
  "cpu.capacity": "CPU in all",
  "memory.capacity": "Memory in all",
  "disk.capacity": "Disk in all",
  "network.unknown": "Network speed known",
  "network.capacity": "Network in all",
  "allocations.max": "Room for one more",
  "gpu.free": "GPUs free",
  "cpu.free": "CPU free",
  "memory.free": "Memory free",
  "disk.free": "Disk free",
  "network.free": "Network free",
  "port.static": "Fixed port free",
  "port.range": "Ports free",
};
