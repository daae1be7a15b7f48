/**
 * What free resources are worth to the work to come, so that a task goes where least is lost. Pure and
 * deterministic; `docs/benchmarks/packing.md` explains and measures it.
 *
 *     workloads → DemandHistogram → priceCluster → Prices → gpuWorth, cpuWorth → costOf
 */
export { type Amounts, type Capacity, type GpuKind, NO_CAPACITY } from "./capacity.ts";
export { CORE_MILLIS, type CpuPrices, cpuPricesOf, priceCpu } from "./cpu-prices.ts";
export { classOf, type Demand, type DemandClass, tasksWanted } from "./demand.ts";
export { DemandHistogram } from "./demand-histogram.ts";
export type { Density } from "./density.ts";
export { GPU_VALUE, type GpuPrices, gpuPricesOf, priceGpus } from "./gpu-prices.ts";
export { LearnedPrices } from "./learned-prices.ts";
export { coarsen, type LeftoverPrices, type Piece, priceLeftovers } from "./leftover-prices.ts";
export { type KindDemand, modelPremiums, premiumFor } from "./model-premiums.ts";
export { costOf, cpuWorth, GPU_STEP, gpuWorth, nodeValue, UNLIMITED } from "./node-value.ts";
export { priceCluster, type Prices, TASKS_PRICED_MIN } from "./prices.ts";
