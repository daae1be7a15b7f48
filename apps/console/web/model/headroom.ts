import type { NodeView } from "@berth/protocol";
import { amountOf, type ShownDimension } from "./dimension.ts";
import { hostUsage, type TelemetryModel } from "./telemetry-model.ts";

/**
 * One dimension of the cluster or of one node. Null means unknown, which is neither zero nor good
 * news: no node says what it has, or what it uses.
 */
export interface Headroom {
  readonly dimension: ShownDimension;
  readonly capacity: number | null;
  readonly reserved: number;
  readonly granted: number;
  readonly used: number | null;
  /** Of the nodes that are up: how many do not say what they have, and what they use. */
  readonly nodesWithoutCapacity: number;
  readonly nodesWithoutUsage: number;
  readonly nodes: number;
}

/** Sums over the nodes that are not down. `used` covers the nodes that say it. */
export function headroomOf(
  nodes: Iterable<NodeView>,
  telemetry: TelemetryModel,
  dimension: ShownDimension,
  nowMs: number,
): Headroom {
  let [capacity, used]: [number | null, number | null] = [null, null];
  let [reserved, granted, count, withoutCapacity, withoutUsage] = [0, 0, 0, 0, 0];
  for (const node of nodes) {
    if (node.status === "down") continue;
    count += 1;
    granted += grantedOf(node, dimension);
    reserved += dimension === "gpu" ? 0 : (amountOf(node.reserved, dimension) ?? 0);
    const has = dimension === "gpu" ? node.gpus.total : amountOf(node.capacity, dimension);
    if (has === null) withoutCapacity += 1;
    else capacity = (capacity ?? 0) + has;
    const uses = usedOf(hostUsage(telemetry.get(node.id), nowMs), dimension);
    if (uses === null) withoutUsage += 1;
    else used = (used ?? 0) + uses;
  }
  return {
    dimension,
    capacity,
    reserved,
    granted,
    used,
    nodes: count,
    nodesWithoutCapacity: withoutCapacity,
    nodesWithoutUsage: withoutUsage,
  };
}

/** Of one node. What a node that is down uses is unknown, whatever it said last. */
export function nodeHeadroom(
  node: NodeView,
  telemetry: TelemetryModel,
  dimension: ShownDimension,
  nowMs: number,
): Headroom {
  if (node.status !== "down") return headroomOf([node], telemetry, dimension, nowMs);
  return headroomOf([{ ...node, status: "suspect" }], new Map(), dimension, nowMs);
}

function grantedOf(node: NodeView, dimension: ShownDimension): number {
  return dimension === "gpu" ? node.gpus.granted : (amountOf(node.granted, dimension) ?? 0);
}

function usedOf(host: ReturnType<typeof hostUsage>, dimension: ShownDimension): number | null {
  if (host === null) return null;
  switch (dimension) {
    case "cpu":
      return host.cpuMillis;
    case "memory":
      return host.memoryMiB;
    case "disk":
      return host.diskMiB;
    case "network":
      return host.receivedMbps === null || host.sentMbps === null
        ? null
        : Math.max(host.receivedMbps, host.sentMbps);
    case "gpu":
      return null;
  }
}
