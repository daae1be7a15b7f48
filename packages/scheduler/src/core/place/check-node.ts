import {
  type Dimension,
  type GpuRequest,
  holds,
  limits,
  type RejectionCode,
  type ResourceCapacity,
} from "@berth/protocol";
import type { NodeRecord } from "../state/cluster-state.ts";
import { freeGpus, matchingGpus } from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import { nodeAttribute } from "./node-attribute.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { freeDynamicPorts } from "./ports.ts";

/** One thing a node does not have, in that dimension's own unit. */
export interface Lack {
  readonly code: RejectionCode;
  readonly subject: string | null;
  readonly requested: number | null;
  readonly available: number | null;
}

/** The first step the node fails, in the order of `rejectionCodes`; null when it fits. */
export function firstLack(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): Lack | null {
  for (const step of steps) {
    const lack = step(request, node, usage);
    if (lack) return lack;
  }
  return null;
}

/** Everything the node lacks. What it does not have at all is not also said to be taken. */
export function everyLack(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack[] {
  const lacks: Lack[] = [];
  const named = new Set<string>();
  for (const step of steps) {
    const lack = step(request, node, usage);
    if (!lack) continue;
    const [dimension = ""] = lack.code.split(".");
    const isTaken = lack.code.endsWith(".free");
    if (isTaken && named.has(dimension)) continue;
    named.add(dimension);
    lacks.push(lack);
  }
  return lacks;
}

/** Whether every constraint of the request holds on the node. */
export function meetsConstraints(request: PlacementRequest, node: NodeRecord): boolean {
  return failedConstraint(request, node) === undefined;
}

/** What is there to be granted: capacity without what the system keeps; null where unknown. */
export function allocatable(node: NodeRecord, dimension: Dimension): number | null {
  const { capacity, reserved }: { capacity: ResourceCapacity; reserved: ResourceCapacity } =
    node.description;
  const there = capacity[dimension];
  return there === null ? null : Math.max(0, there - (reserved[dimension] ?? 0));
}

type Step = (request: PlacementRequest, node: NodeRecord, usage: NodeUsage) => Lack | null;

const steps: readonly Step[] = [
  (_, node) => (node.status === "down" ? lackOf("node.down") : null),
  (_, node) => (node.status === "suspect" ? lackOf("node.suspect") : null),
  (_, node) => (node.drain ? lackOf("node.draining") : null),
  (_, node) => (node.eligibility === "cordoned" && !node.drain ? lackOf("node.cordoned") : null),
  hasDriver,
  (request, node) => {
    const failed = failedConstraint(request, node);
    return failed ? { ...lackOf("constraint"), subject: failed.source } : null;
  },
  hasGpuModel,
  hasGpuCapacity,
  capacityStep("cpu.capacity", "cpuMillis"),
  capacityStep("memory.capacity", "memoryMiB"),
  capacityStep("disk.capacity", "diskMiB"),
  knowsNetwork,
  capacityStep("network.capacity", "networkMbps"),
  hasRoomForOne,
  hasFreeGpus,
  freeStep("cpu.free", "cpuMillis"),
  freeStep("memory.free", "memoryMiB"),
  freeStep("disk.free", "diskMiB"),
  freeStep("network.free", "networkMbps"),
  hasStaticPorts,
  hasDynamicPorts,
];

function lackOf(
  code: RejectionCode,
  requested: number | null = null,
  available: number | null = null,
): Lack {
  return { code, subject: null, requested, available };
}

function failedConstraint(request: PlacementRequest, node: NodeRecord) {
  return request.constraints.find(
    ({ constraint }) => !holds(constraint, (path) => nodeAttribute(node.description, path)),
  );
}

function hasDriver(request: PlacementRequest, node: NodeRecord): Lack | null {
  const driver = node.description.drivers.find(({ name }) => name === request.driver);
  return driver?.available ? null : lackOf("driver.unavailable");
}

function hasGpuModel({ gpu }: PlacementRequest, node: NodeRecord): Lack | null {
  if (!gpu || !isPicky(gpu) || matchingGpus(node, gpu).length > 0) return null;
  return lackOf("gpu.model", gpu.count, 0);
}

function hasGpuCapacity({ gpu }: PlacementRequest, node: NodeRecord): Lack | null {
  if (!gpu) return null;
  const matching = matchingGpus(node, gpu).length;
  // None of what was asked for is the step before; here it would only repeat it.
  if (matching >= gpu.count || (matching === 0 && isPicky(gpu))) return null;
  return lackOf("gpu.capacity", gpu.count, matching);
}

function isPicky(gpu: GpuRequest): boolean {
  return gpu.models.length > 0 || gpu.memoryMiB > 0;
}

function hasFreeGpus({ gpu }: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack | null {
  if (!gpu) return null;
  const free = freeGpus(node, usage, gpu).length;
  return free >= gpu.count ? null : lackOf("gpu.free", gpu.count, free);
}

function capacityStep(code: RejectionCode, dimension: Dimension): Step {
  return ({ amounts }, node) => {
    const requested = amounts[dimension];
    if (requested === 0) return null;
    const there = allocatable(node, dimension);
    return there === null || requested <= there ? null : lackOf(code, requested, there);
  };
}

function freeStep(code: RejectionCode, dimension: Dimension): Step {
  return ({ amounts }, node, usage) => {
    const requested = amounts[dimension];
    if (requested === 0) return null;
    const there = allocatable(node, dimension);
    if (there === null) return null;
    // A node that shrank may hold more than it has: that is no free room, not less than none.
    const free = Math.max(0, there - usage.granted[dimension]);
    return requested <= free ? null : lackOf(code, requested, free);
  };
}

function knowsNetwork({ amounts }: PlacementRequest, node: NodeRecord): Lack | null {
  const isUnknown = amounts.networkMbps > 0 && allocatable(node, "networkMbps") === null;
  return isUnknown ? lackOf("network.unknown", amounts.networkMbps) : null;
}

function hasRoomForOne(_: PlacementRequest, __: NodeRecord, usage: NodeUsage): Lack | null {
  const isFull = usage.allocations >= limits.allocationsPerNodeMax;
  return isFull ? lackOf("allocations.max", 1, 0) : null;
}

function hasStaticPorts(request: PlacementRequest, _: NodeRecord, usage: NodeUsage): Lack | null {
  const taken = request.staticPorts.find(([, port]) => usage.ports.has(port));
  return taken ? { ...lackOf("port.static"), subject: String(taken[1]) } : null;
}

function hasDynamicPorts(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
): Lack | null {
  const requested = request.dynamicPorts.length;
  if (requested === 0) return null;
  const free = Math.max(0, freeDynamicPorts(node, usage, request));
  return free >= requested ? null : lackOf("port.range", requested, free);
}
