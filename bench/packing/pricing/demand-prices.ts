import { coarsen, priceLeftovers, type Piece } from "./leftover-prices.ts";
import { GPU_VALUE, type Density, type DemandPrices } from "./node-value.ts";

/** One class of demand: what a task of it needs, and how many such tasks there are. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpuCount: number;
  readonly gpuMillis: number;
  readonly count: number;
}

/**
 * How much of the variety of demand one node sees: little, because placement chooses what goes where.
 * Results are flat from 0 to 0.1; from 0.2 on, work is spread over idle nodes and large tasks starve.
 */
const STEERED_SHARE = 0.05;

/** Prices leftovers and resource needs by a demand histogram; null while it asks for no GPU. */
export function priceDemand(demand: readonly Demand[]): DemandPrices | null {
  const gpuDemand = demand.filter(({ gpuCount, count }) => gpuCount > 0 && count > 0);
  if (gpuDemand.length === 0) return null;
  const pieces = gpuDemand.map(
    ({ gpuCount, gpuMillis, count }): Piece => ({ size: gpuMillis, demand: gpuCount * count }),
  );
  const { worth } = priceLeftovers(coarsen(pieces));
  return {
    leftover: Int32Array.from(worth, (gpus) => Math.round(gpus * GPU_VALUE)),
    cpu: densityOf(gpuDemand, ({ cpuMillis }) => cpuMillis),
    memory: densityOf(gpuDemand, ({ memoryMiB }) => memoryMiB),
  };
}

function densityOf(demand: readonly Demand[], need: (task: Demand) => number): Density {
  const gpusOf = (task: Demand): number => (task.gpuCount * task.gpuMillis) / 1000;
  let gpus = 0;
  let needed = 0;
  for (const task of demand) {
    gpus += task.count * gpusOf(task);
    needed += task.count * need(task);
  }
  const perGpu = needed / gpus;
  let squares = 0;
  for (const task of demand) squares += task.count * (need(task) - perGpu * gpusOf(task)) ** 2;
  return { perGpu, deviation: STEERED_SHARE * Math.sqrt(squares / gpus) };
}
