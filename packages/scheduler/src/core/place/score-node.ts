import { WHOLE_GPU_MILLIS } from "@berth/protocol";
import type { GpuKind, NodeRoom } from "../fleet/fleet.ts";
import { GPU_RESERVE_POINTS, lostOf } from "../fleet/fleet-request.ts";
import { premiumPoints } from "../fleet/node-loss.ts";
import { roomOf } from "../fleet/node-room.ts";
import {
  blendedLoss,
  costPoints,
  STOCK_MAX,
  stockOf,
  type StockPrices,
  takenOf,
} from "../fleet/stocks.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { holdsOn } from "./check-node.ts";
import { chooseShare, isShare } from "./gpus.ts";
import type { NodeUsage } from "./ledger.ts";
import type { PlacementRequest } from "./placement-request.ts";
import {
  affinityPoints,
  localityPoints,
  mostNearMiB,
  REPLICA_POINTS,
  spreadPoints,
} from "./preference-points.ts";
import { valueOf } from "./surroundings.ts";

/**
 * How well a request fits a node that can take it: integers in thousandths of a GPU, higher is better.
 * What this says is the truth; the fleet finds the node that has the most of it without asking all.
 *
 * - `stranded` ≤ 0: by how much less work the node can serve once the request is there; see
 *   `fleet/stocks.ts`. 0 where it takes what would be of no use to others.
 * - `gpuReserve` ≤ 0: work without GPUs keeps off nodes with GPUs that may be wanted, until no other
 *   node fits.
 * - `scarceGpu` ≤ 0: GPUs of a kind that other work has no choice but to use.
 * - `antiAffinity` ≤ 0: replicas of the same service that are there, so that equal nodes share them.
 * - `affinity`, `spread`, `locality`: what the workload says it prefers.
 */
export interface Score {
  readonly total: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** What a score depends on beside the request and the node. */
export interface ScoreContext {
  readonly prices: StockPrices;
  /** Extra cost of a GPU of a kind, in millionths of a GPU. */
  premiumOf(kind: GpuKind): number;
  /** How many of the same workload live on nodes with that value of an attribute. */
  ownAt(path: string, value: string): number;
  /** How many values of an attribute the cluster's nodes have. */
  valuesOf(path: string): number;
}

export function scoreNode(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  context: ScoreContext,
): Score {
  const terms: Record<string, number> = {
    ...costTerms(request, node, usage, context),
    ...preferenceTerms(request, node, context),
  };
  const total = Object.values(terms).reduce((sum, term) => sum + term, 0);
  return { total, terms };
}

function costTerms(
  request: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  { prices, premiumOf }: ScoreContext,
): Record<string, number> {
  const room = roomOf(node, usage);
  const { gpu } = request;
  if (gpu === null || gpu.slice !== undefined) return costWithout(request, room, prices);
  const shareMillis = gpu.shareMillis ?? WHOLE_GPU_MILLIS;
  const premium = Math.max(0, ...room.gpus.map(premiumOf));
  const extra = premiumPoints(premium, gpu.count, shareMillis);
  const value = gpuStockOf(room, prices);
  let points = 0;
  if (value > 0) {
    const taken = isShare(gpu)
      ? shareTaken(request, node, usage, prices)
      : gpu.count * (prices.leftover[WHOLE_GPU_MILLIS] ?? 0);
    const lost = lostBesideGpus(request, room, prices, taken);
    points = costPoints(lost, prices.gpuStepPoints);
  }
  return { stranded: negative(points), ...(extra === 0 ? {} : { scarceGpu: -extra }) };
}

function costWithout(
  request: PlacementRequest,
  room: NodeRoom,
  prices: StockPrices,
): Record<string, number> {
  const { cpuMillis, memoryMiB } = request.amounts;
  const cpu = takenOf(cpuMillis, prices.cpuRate);
  const memory = takenOf(memoryMiB, prices.memoryRate);
  const { cpuStepPoints } = prices;
  if (gpuStockOf(room, prices) > 0) {
    const lost = lostBesideGpus(request, room, prices, 0);
    const reserve = GPU_RESERVE_POINTS + costPoints(Math.max(cpu, memory), cpuStepPoints);
    return { stranded: negative(costPoints(lost, cpuStepPoints)), gpuReserve: -reserve };
  }
  const surplus =
    stockOf(room.cpuMillis, prices.cpuRate) - stockOf(room.memoryMiB, prices.memoryRate);
  const lost = blendedLoss(cpu, memory, surplus, prices);
  return { stranded: negative(costPoints(lost, cpuStepPoints)) };
}

/** By how much the smallest stock of a node with GPUs falls. */
function lostBesideGpus(
  { amounts }: PlacementRequest,
  room: NodeRoom,
  prices: StockPrices,
  gpusTaken: number,
): number {
  const { gpuCpuRate, gpuMemoryRate } = prices;
  const gpus = gpuStockOf(room, prices);
  const cpu = stockOf(room.cpuMillis, gpuCpuRate);
  const memory = stockOf(room.memoryMiB, gpuMemoryRate);
  const before = Math.min(gpus, cpu, memory, STOCK_MAX);
  const after = Math.min(
    gpus - gpusTaken,
    cpu - takenOf(amounts.cpuMillis, gpuCpuRate),
    memory - takenOf(amounts.memoryMiB, gpuMemoryRate),
  );
  return before - after;
}

function gpuStockOf({ gpus }: NodeRoom, { leftover }: StockPrices): number {
  return gpus.reduce((sum, { freeMillis }) => sum + (leftover[freeMillis] ?? 0), 0);
}

/** What the share takes of the value of the device that would give it. */
function shareTaken(
  { gpu }: PlacementRequest,
  node: NodeRecord,
  usage: NodeUsage,
  { leftover }: StockPrices,
): number {
  const device = gpu && chooseShare(node, usage, gpu, () => true, leftover);
  if (!gpu || !device) return 0;
  const free = WHOLE_GPU_MILLIS - (usage.gpus.get(device.uuid)?.shareMillis ?? 0);
  return lostOf(leftover, free, gpu.shareMillis ?? WHOLE_GPU_MILLIS);
}

function preferenceTerms(
  request: PlacementRequest,
  node: NodeRecord,
  { ownAt, valuesOf }: ScoreContext,
): Record<string, number> {
  const terms: Record<string, number> = {};
  const add = (name: string, points: number) => {
    if (points !== 0) terms[name] = (terms[name] ?? 0) + points;
  };
  if (request.kind === "service") {
    add("antiAffinity", negative(-REPLICA_POINTS * ownAt("node.id", node.id)));
  }
  for (const { constraint, weight } of request.affinities) {
    if (holdsOn(constraint, node)) add("affinity", affinityPoints(weight));
  }
  for (const rule of request.spread) {
    const value = valueOf(node, rule.by);
    const there = ownAt(rule.by, value);
    add("spread", spreadPoints(rule, value, there, request.count, valuesOf(rule.by)));
  }
  const { name } = node.description;
  const nearMiB = Object.hasOwn(request.locality, name) ? (request.locality[name] ?? 0) : 0;
  add("locality", localityPoints(nearMiB, mostNearMiB(request.locality)));
  return terms;
}

/** Never minus zero. */
function negative(points: number): number {
  return points === 0 ? 0 : -points;
}
