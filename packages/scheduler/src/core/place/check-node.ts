import {
  type Constraint,
  DEFAULT_POOL,
  type Dimension,
  type GpuRequest,
  holds,
  limits,
  type RejectionCode,
  type ResourceCapacity,
} from "@berth/protocol";
import type { Described, NodeRecord } from "../state/cluster-state.ts";
import { grantableMillis } from "../state/grants.ts";
import { unused } from "../state/node-usage.ts";
import {
  fitsShare,
  freeGpus,
  freeShareMillis,
  gpusOfKind,
  isShare,
  matchingGpus,
  mostOfOneModel,
} from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import { nodeAttribute } from "./node-attribute.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { freeDynamicPorts } from "./ports.ts";
import { hasDiskClass, largestDiskMiB, largestHealthyDiskMiB, mostFreeDiskMiB } from "./storage.ts";
import { NO_SURROUNDINGS, type Surroundings, valueOf } from "./surroundings.ts";
import { chooseZone, hasZone } from "./zones.ts";

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
  surroundings: Surroundings = NO_SURROUNDINGS,
): Lack | null {
  for (const step of steps) {
    const lack = step(request, node, usage, surroundings);
    if (lack) return lack;
  }
  return null;
}

/** Everything the node lacks. What it does not have at all is not also said to be taken. */
export function everyLack(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  surroundings: Surroundings = NO_SURROUNDINGS,
): Lack[] {
  const lacks: Lack[] = [];
  const named = new Set<string>();
  for (const step of steps) {
    const lack = step(request, node, usage, surroundings);
    if (!lack) continue;
    const [dimension = ""] = lack.code.split(".");
    const isTaken = lack.code.endsWith(".free") || lack.code === "gpu.share";
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

const NO_USAGE: NodeUsage = unused();

/** What may be granted in all once the request is there; null where unknown. */
export function grantable(
  { exclusiveCores, amounts }: PlacementRequest,
  node: NodeRecord,
  { exclusiveMillis }: NodeUsage,
  dimension: Dimension,
): number | null {
  const there = allocatable(node, dimension);
  if (there === null || dimension !== "cpuMillis") return there;
  const ownMillis = exclusiveCores ? amounts.cpuMillis : 0;
  return grantableMillis(node.cpuOvercommitPercent, there, exclusiveMillis + ownMillis);
}

type Step = (
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  surroundings: Surroundings,
) => Lack | null;

const steps: readonly Step[] = [
  (_, node) => (node.status === "down" ? lackOf("node.down") : null),
  (_, node) => (node.status === "suspect" ? lackOf("node.suspect") : null),
  (_, node) => (node.drain ? lackOf("node.draining") : null),
  (_, node) => (node.eligibility === "cordoned" && !node.drain ? lackOf("node.cordoned") : null),
  isInPool,
  toleratesTaints,
  hasDriver,
  (request, node) => {
    const failed = failedConstraint(request, node);
    return failed ? { ...lackOf("constraint"), subject: failed.source } : null;
  },
  hasGpuModel,
  hasGpuCapacity,
  hasHealthyGpus,
  hasDevices,
  capacityStep("cpu.capacity", "cpuMillis"),
  capacityStep("memory.capacity", "memoryMiB"),
  hasDisk,
  hasDiskCapacity,
  hasHealthyDisk,
  knowsNetwork,
  capacityStep("network.capacity", "networkMbps"),
  hasZoneCapacity,
  hasRoomForOne,
  isDistinct,
  isColocated,
  hasFreeGpus,
  hasFreeShare,
  hasFreeDevices,
  freeStep("cpu.free", "cpuMillis"),
  freeStep("memory.free", "memoryMiB"),
  hasFreeDisk,
  freeStep("network.free", "networkMbps"),
  hasFreeZone,
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

function failedConstraint(request: PlacementRequest, node: Described) {
  return request.constraints.find(({ constraint }) => !holdsOn(constraint, node));
}

/** Whether a constraint holds on the node. */
export function holdsOn(constraint: Constraint, { description }: Described): boolean {
  return holds(constraint, (path) => nodeAttribute(description, path));
}

export function isInPool({ pool }: PlacementRequest, { description }: Described): Lack | null {
  if (pool === null || pool === (description.pool ?? DEFAULT_POOL)) return null;
  return { ...lackOf("pool"), subject: pool };
}

export function toleratesTaints({ tolerations }: PlacementRequest, node: Described): Lack | null {
  if (tolerations.includes("*")) return null;
  const taint = node.description.taints?.find(({ key }) => !tolerations.includes(key));
  return taint ? { ...lackOf("taint"), subject: taint.key } : null;
}

export function hasDriver(request: PlacementRequest, node: Described): Lack | null {
  const driver = node.description.drivers.find(({ name }) => name === request.driver);
  return driver?.available ? null : lackOf("driver.unavailable");
}

export function hasGpuModel({ gpu }: PlacementRequest, node: Described): Lack | null {
  if (!gpu || !isPicky(gpu) || gpusOfKind(node, gpu).length > 0) return null;
  return lackOf("gpu.model", gpu.count, 0);
}

export function hasGpuCapacity({ gpu }: PlacementRequest, node: Described): Lack | null {
  if (!gpu) return null;
  const matching = mostOfOneModel(gpusOfKind(node, gpu));
  // None of what was asked for is the step before; here it would only repeat it.
  if (matching >= gpu.count || (matching === 0 && isPicky(gpu))) return null;
  return lackOf("gpu.capacity", gpu.count, matching);
}

/** What it does not have at all is the steps before. */
export function hasHealthyGpus({ gpu }: PlacementRequest, node: Described): Lack | null {
  if (!gpu) return null;
  const healthy = mostOfOneModel(matchingGpus(node, gpu));
  if (healthy >= gpu.count || mostOfOneModel(gpusOfKind(node, gpu)) < gpu.count) return null;
  return lackOf("gpu.health", gpu.count, healthy);
}

function isPicky(gpu: GpuRequest): boolean {
  return gpu.models.length > 0 || gpu.memoryMiB > 0 || gpu.slice !== undefined;
}

function hasFreeGpus({ gpu }: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack | null {
  if (!gpu || isShare(gpu)) return null;
  const free = mostOfOneModel(freeGpus(node, usage, gpu));
  return free >= gpu.count ? null : lackOf("gpu.free", gpu.count, free);
}

function hasFreeShare({ gpu }: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack | null {
  if (!gpu || !isShare(gpu)) return null;
  const matching = matchingGpus(node, gpu);
  if (matching.some((device) => fitsShare(usage, device, gpu))) return null;
  const most = Math.max(0, ...matching.map((device) => freeShareMillis(usage, device)));
  return lackOf("gpu.share", gpu.shareMillis ?? null, most);
}

export function hasDevices({ devices }: PlacementRequest, { description }: Described): Lack | null {
  for (const [name, count] of devices) {
    const there = description.devices?.[name] ?? 0;
    if (count > there) return { ...lackOf("device.capacity", count, there), subject: name };
  }
  return null;
}

function hasFreeDevices(
  { devices }: PlacementRequest,
  { description }: NodeRecord,
  usage: NodeUsage,
): Lack | null {
  for (const [name, count] of devices) {
    const free = (description.devices?.[name] ?? 0) - (usage.devices.get(name) ?? 0);
    if (count > free) return { ...lackOf("device.free", count, Math.max(0, free)), subject: name };
  }
  return null;
}

export function hasDisk(request: PlacementRequest, node: Described): Lack | null {
  if (request.amounts.diskMiB === 0 || hasDiskClass(request, node)) return null;
  return { ...lackOf("disk.class"), subject: request.diskClass };
}

function hasDiskCapacity(request: PlacementRequest, node: NodeRecord): Lack | null {
  const requested = request.amounts.diskMiB;
  if (requested === 0) return null;
  const there = largestDiskMiB(request, node);
  return requested <= there ? null : lackOf("disk.capacity", requested, there);
}

function hasHealthyDisk(request: PlacementRequest, node: NodeRecord): Lack | null {
  const requested = request.amounts.diskMiB;
  if (requested === 0 || requested > largestDiskMiB(request, node)) return null;
  const healthy = largestHealthyDiskMiB(request, node);
  return requested <= healthy ? null : lackOf("disk.health", requested, healthy);
}

function hasFreeDisk(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack | null {
  const requested = request.amounts.diskMiB;
  if (requested === 0) return null;
  const free = mostFreeDiskMiB(request, node, usage);
  return requested <= free ? null : lackOf("disk.free", requested, free);
}

function hasZoneCapacity(request: PlacementRequest, node: NodeRecord): Lack | null {
  return request.numa !== "require" || hasZone(request, node) ? null : lackOf("numa.capacity");
}

function hasFreeZone(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): Lack | null {
  if (request.numa !== "require" || chooseZone(request, node, usage) !== null) return null;
  return lackOf("numa.free");
}

function isDistinct(
  { distinct }: PlacementRequest,
  node: NodeRecord,
  _: NodeUsage,
  surroundings: Surroundings,
): Lack | null {
  for (const { by, max } of distinct) {
    if (surroundings.ownAt(by, valueOf(node, by)) >= max) {
      return { ...lackOf("distinct"), subject: by };
    }
  }
  return null;
}

function isColocated(
  { colocate }: PlacementRequest,
  node: NodeRecord,
  _: NodeUsage,
  surroundings: Surroundings,
): Lack | null {
  for (const { workload, by } of colocate) {
    if (!surroundings.isAt(workload, by, valueOf(node, by))) {
      return { ...lackOf("colocation"), subject: workload };
    }
  }
  return null;
}

function capacityStep(code: RejectionCode, dimension: Dimension): Step {
  return (request, node) => {
    const requested = request.amounts[dimension];
    if (requested === 0) return null;
    const there = grantable(request, node, NO_USAGE, dimension);
    return there === null || requested <= there ? null : lackOf(code, requested, there);
  };
}

function freeStep(code: RejectionCode, dimension: Dimension): Step {
  return (request, node, usage) => {
    const requested = request.amounts[dimension];
    if (requested === 0) return null;
    const there = grantable(request, node, usage, dimension);
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
