import { type Dimension, holds } from "@berth/protocol";
import type { NodeRecord } from "../state/cluster-state.ts";
import { allocatable } from "./check-node.ts";
import { matchingGpus } from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import { nodeAttribute } from "./node-attribute.ts";
import type { PlacementRequest } from "./placement-request.ts";
import { NO_SURROUNDINGS, type Surroundings, valueOf } from "./surroundings.ts";

/**
 * How well a request fits a node that can take it: integers, higher is better.
 *
 * - `tightness` 0..1000: how full the node is afterwards, in the dimensions that are asked for.
 *   Best fit: what is left over elsewhere stays in large pieces.
 * - `balance` -500..0: how unevenly cpu and memory (and GPUs, when asked for) are left over. What
 *   remains of one without the other is stranded.
 * - `gpuReserve` -500..0: a request without GPUs keeps off nodes whose GPUs it would strand.
 * - `antiAffinity`: each replica of the same service already there, so that equal nodes share them.
 * - `affinity` -1000..1000 for each: ten times the weights of the preferences that hold.
 * - `spread`: what the node's value of an attribute has of the workload already, by its target.
 * - `locality` 0..1000: how much of its data is near.
 */
export interface Score {
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
}

const GPU_RESERVE_MAX = 500;
const ANTI_AFFINITY_PER_REPLICA = 100;

export function scoreNode(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  replicasThere: number,
  surroundings: Surroundings = NO_SURROUNDINGS,
): Score {
  const terms: Record<string, number> = {
    tightness: tightness(request, node, usage),
    balance: balance(request, node, usage),
  };
  const reserve = gpuReserve(request, node, usage);
  if (reserve !== 0) terms["gpuReserve"] = reserve;
  if (request.kind === "service" && replicasThere > 0) {
    terms["antiAffinity"] = -ANTI_AFFINITY_PER_REPLICA * replicasThere;
  }
  if (request.affinities.length > 0) terms["affinity"] = affinity(request, node);
  if (request.spread.length > 0) terms["spread"] = spread(request, node, surroundings);
  const near = locality(request, node);
  if (near > 0) terms["locality"] = near;
  const total = Object.values(terms).reduce((sum, term) => sum + term, 0);
  return { total, terms };
}

const POINTS_PER_WEIGHT = 10;

function affinity({ affinities }: PlacementRequest, { description }: NodeRecord): number {
  let weights = 0;
  for (const { constraint, weight } of affinities) {
    if (holds(constraint, (path) => nodeAttribute(description, path))) weights += weight;
  }
  return POINTS_PER_WEIGHT * weights;
}

/** Equal for values that have their share: what a value has counts by how little it is to have. */
function spread(
  { spread }: PlacementRequest,
  node: NodeRecord,
  surroundings: Surroundings,
): number {
  let load = 0;
  for (const { by, weight, targets } of spread) {
    const value = valueOf(node, by);
    const isEven = Object.keys(targets).length === 0;
    const percent = isEven
      ? 100
      : Math.max(1, Object.hasOwn(targets, value) ? (targets[value] ?? 0) : 0);
    const there = surroundings.ownAt(by, value);
    load += Math.floor((100 * POINTS_PER_WEIGHT * weight * there) / percent);
  }
  return load === 0 ? 0 : -load;
}

function locality({ locality }: PlacementRequest, { description }: NodeRecord): number {
  const { name } = description;
  const hereMiB = Object.hasOwn(locality, name) ? (locality[name] ?? 0) : 0;
  if (hereMiB === 0) return 0;
  const allMiB = Object.values(locality).reduce((sum, one) => sum + one, 0);
  return Math.floor((1000 * hereMiB) / allMiB);
}

function tightness(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  let sum = 0;
  let asked = 0;
  for (const dimension of ["cpuMillis", "memoryMiB", "diskMiB", "networkMbps"] as const) {
    if (request.amounts[dimension] === 0) continue;
    sum += usedPermille(request, node, usage, dimension);
    asked += 1;
  }
  if (request.gpu) {
    sum += 1000 - freeGpuPermille(request, node, usage);
    asked += 1;
  }
  return asked === 0 ? 0 : Math.floor(sum / asked);
}

function balance(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  const left = [
    1000 - usedPermille(request, node, usage, "cpuMillis"),
    1000 - usedPermille(request, node, usage, "memoryMiB"),
  ];
  if (request.gpu) left.push(freeGpuPermille(request, node, usage));
  const uneven = Math.max(...left) - Math.min(...left);
  return uneven === 0 ? 0 : -Math.floor(uneven / 2);
}

function gpuReserve(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  const total = node.description.hardware.gpus.length;
  if (request.gpu || total === 0) return 0;
  const free = total - usage.gpus.size;
  return free <= 0 ? 0 : -Math.floor((GPU_RESERVE_MAX * free) / total);
}

/** Thousandths of the node's share that are granted once the request is there. */
function usedPermille(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  dimension: Dimension,
): number {
  const there = allocatable(node, dimension) ?? 0;
  if (there === 0) return 1000;
  const used = usage.granted[dimension] + request.amounts[dimension];
  return Math.min(1000, Math.floor((1000 * used) / there));
}

function freeGpuPermille(request: PlacementRequest, node: NodeRecord, usage: NodeUsage): number {
  if (!request.gpu) return 0;
  const matching = matchingGpus(node, request.gpu);
  if (matching.length === 0) return 0;
  const free = matching.filter((gpu) => !usage.gpus.has(gpu.uuid)).length - request.gpu.count;
  return Math.max(0, Math.floor((1000 * free) / matching.length));
}
