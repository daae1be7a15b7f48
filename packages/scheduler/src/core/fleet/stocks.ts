/**
 * What a node's free resources are worth together. Each resource is counted in how much work it can
 * serve: a stock, in millionths of a GPU. Work needs all of them, so a node is worth its smallest stock
 * (Leontief's production function), and a placement costs what the smallest stock falls by. What a
 * stock has above the smallest is its surplus, and taking from it is free up to there:
 *
 *     min X − min (X − x)  =  max over k of (x_k − surplus_k)
 *
 * So nodes with equal surpluses cost the same, whatever their size: that is what the fleet's cells are.
 */

/** One GPU's worth. */
export const GPU_VALUE = 1_000_000;

/** Scores are in thousandths of a GPU. */
export const POINT = GPU_VALUE / 1000;

/** Stocks above this are equal: more than a node ever gives away at once. */
export const STOCK_MAX = 2 ** 30;

/** How work uses resources, and what it makes of them: everything that scores depend on. */
export interface WorkPrices {
  /** Value of a GPU with `r` thousandths free, r = 0 … 1000, not falling; `[1000]` is a GPU's worth. */
  readonly leftover: Int32Array;
  /** What work with GPUs needs beside each; 0 when it needs none. */
  readonly cpuMillisPerGpu: number;
  readonly memoryMiBPerGpu: number;
  /** Value of a thousandth of a core to work without GPUs. */
  readonly valuePerCpuMilli: number;
  /** What work without GPUs needs beside each core; 0 when it needs none. */
  readonly memoryMiBPerCore: number;
  /** Costs are rounded up to this many points: for work with GPUs, and for work without. */
  readonly gpuStepPoints: number;
  readonly cpuStepPoints: number;
  /** Extra cost of one GPU by model. */
  readonly premiums: ReadonlyMap<string, number>;
}

/** Value of one unit of a resource, in stocks beside GPUs and in stocks of nodes without. */
export interface StockRates {
  readonly gpuCpu: number;
  readonly gpuMemory: number;
  readonly cpuCpu: number;
  readonly cpuMemory: number;
}

/** A rate of 0 stands for a resource that nothing needs: its stock is without bounds. */
export function stockRates(prices: WorkPrices): StockRates {
  const { cpuMillisPerGpu, memoryMiBPerGpu, memoryMiBPerCore, valuePerCpuMilli } = prices;
  return {
    gpuCpu: cpuMillisPerGpu === 0 ? 0 : GPU_VALUE / cpuMillisPerGpu,
    gpuMemory: memoryMiBPerGpu === 0 ? 0 : GPU_VALUE / memoryMiBPerGpu,
    cpuCpu: valuePerCpuMilli,
    cpuMemory: memoryMiBPerCore === 0 ? 0 : (1000 * valuePerCpuMilli) / memoryMiBPerCore,
  };
}

/** The stock that a free amount is. */
export function stockOf(free: number, rate: number): number {
  return rate === 0 ? STOCK_MAX : Math.min(STOCK_MAX, Math.floor(free * rate));
}

/** What a request takes of a stock. */
export function takenOf(amount: number, rate: number): number {
  return rate === 0 ? 0 : Math.min(STOCK_MAX, Math.ceil(amount * rate));
}

/** A cost in points, rounded up to a step of so many. */
export function costPoints(lost: number, stepPoints: number): number {
  return Math.ceil(lost / (stepPoints * POINT)) * stepPoints;
}
