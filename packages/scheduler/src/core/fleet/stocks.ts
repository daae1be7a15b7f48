import { CORE_MILLIS, GPU_STEP, GPU_VALUE, type Prices } from "../price/index.ts";

/**
 * What a node's free resources are worth together, so that what a placement costs can be bounded for
 * many nodes at once. Each resource is counted in the work it can serve: a stock, in millionths of a
 * GPU. Work needs all of them, so a node is worth its smallest stock (Leontief's production function),
 * and a placement costs what the smallest stock falls by. What a stock has above the smallest is its
 * surplus, and taking from it is free up to there:
 *
 *     min X − min (X − x)  =  max over k of (x_k − surplus_k)
 *
 * So nodes with equal surpluses cost the same, whatever their size: that is what the fleet's cells are.
 */

/** Scores are in thousandths of a GPU. */
export const POINT = GPU_VALUE / 1000;

/** Stocks above this are equal: more than any request takes. */
export const STOCK_MAX = 2 ** 30;

/** Steps of cpu cost within which cpu and memory are both short: there the two costs blend. */
const SOFT_STEPS = 2;

/** What a unit of each resource is worth, and what costs are rounded up to. */
export interface StockPrices {
  /** Value of a GPU with `r` thousandths free, r = 0 … 1000, not falling. */
  readonly leftover: Int32Array;
  /** Beside GPUs: value of a thousandth of a core, and of a MiB. 0 where GPUs need none. */
  readonly gpuCpuRate: number;
  readonly gpuMemoryRate: number;
  /** The same for work without GPUs. */
  readonly cpuRate: number;
  readonly memoryRate: number;
  readonly gpuStepPoints: number;
  readonly cpuStepPoints: number;
  /** The square of the width within which cpu and memory are both short; see `blendedLoss`. */
  readonly blendSquared: number;
  /** Extra cost of one GPU, by the number of its kind. */
  readonly premiums: Int32Array;
}

export function stockPrices({ gpu, cpu, premiums }: Prices): StockPrices {
  const { perMilli, step, memory } = cpu;
  const cpuStepPoints = Math.max(1, Math.round(step / POINT));
  return {
    leftover: gpu.leftover,
    gpuCpuRate: rateOf(GPU_VALUE, gpu.cpu.perUnit),
    gpuMemoryRate: rateOf(GPU_VALUE, gpu.memory.perUnit),
    cpuRate: perMilli,
    memoryRate: rateOf(perMilli * CORE_MILLIS, memory.perUnit),
    gpuStepPoints: Math.max(1, Math.round(GPU_STEP / POINT)),
    cpuStepPoints,
    blendSquared: (SOFT_STEPS * cpuStepPoints * POINT) ** 2,
    premiums,
  };
}

function rateOf(value: number, needed: number): number {
  return needed === 0 ? 0 : value / needed;
}

/** The stock that a free amount is; without bounds where nothing needs it. */
export function stockOf(free: number, rate: number): number {
  return rate === 0 ? STOCK_MAX : Math.min(STOCK_MAX, Math.floor(free * rate));
}

/** What a request takes of a stock. */
export function takenOf(amount: number, rate: number): number {
  return rate === 0 ? 0 : Math.min(STOCK_MAX, Math.ceil(amount * rate));
}

/**
 * Value lost where cpu and memory alone count, `surplus` being the cpu stock less the memory stock. The
 * smaller of two stocks, smoothed: (C + M − √(w² + (C − M)²)) / 2, Scarf's bound for a shortage of one
 * beside the other. On nodes alike a sharp minimum would see no difference until one has run out: equal
 * nodes under cpu-heavy and memory-heavy work are granted 8 % of a resource more with it. Falls with the
 * surplus when more cpu is taken than memory, and rises with it else.
 */
export function blendedLoss(
  cpuTaken: number,
  memoryTaken: number,
  surplus: number,
  { blendSquared }: StockPrices,
): number {
  const after = surplus - cpuTaken + memoryTaken;
  const shorter =
    Math.sqrt(blendSquared + after * after) - Math.sqrt(blendSquared + surplus * surplus);
  return Math.round((cpuTaken + memoryTaken + shorter) / 2);
}

/** A cost in points, rounded up to a step of so many. */
export function costPoints(lost: number, stepPoints: number): number {
  return Math.ceil(lost / (stepPoints * POINT)) * stepPoints;
}
