import { WHOLE_GPU_MILLIS } from "@berth/protocol";
import { acceptsGpu } from "../place/gpus.ts";
import { type Capacity, gpuCapacityMillis, type GpuKind } from "./capacity.ts";
import { type CpuPrices, cpuPricesOf, priceCpu } from "./cpu-prices.ts";
import type { DemandClass } from "./demand.ts";
import { type GpuPrices, gpuPricesOf, priceGpus } from "./gpu-prices.ts";
import { modelPremiums } from "./model-premiums.ts";

/** What demand says free resources are worth: all that scoring a node needs to know of the future. */
export interface Prices {
  readonly gpu: GpuPrices;
  readonly cpu: CpuPrices;
  /** What one GPU of each kind costs extra, by its number in the capacity's `gpuKinds`. */
  readonly premiums: Int32Array;
}

/** Fewer tasks than these say nothing: then work is taken to be as dense as the cluster. */
export const TASKS_PRICED_MIN = 32;

/** Prices of a demand in a cluster. A pure function: equal arguments give equal prices. */
export function priceCluster(demand: readonly DemandClass[], capacity: Capacity): Prices {
  const gpuDemand = enough(demand.filter(({ gpuCount }) => gpuCount > 0));
  const gpus = Math.max(1, gpuCapacityMillis(capacity) / WHOLE_GPU_MILLIS);
  const gpu = priceGpus(gpuDemand) ?? gpuPricesOf(gpus, capacity.besideGpus);
  const cpuDemand = enough(demand.filter(({ gpuCount }) => gpuCount === 0));
  const cpu =
    priceCpu(cpuDemand, gpu.cpu.perUnit) ?? cpuPricesOf(capacity.elsewhere, gpu.cpu.perUnit);
  const kindDemand = gpuDemand.map((task) => ({
    ...task,
    kinds: kindsAccepted(task, capacity.gpuKinds),
  }));
  const capacityMillis = capacity.gpuKinds.map((kind) => kind.capacityMillis);
  return { gpu, cpu, premiums: modelPremiums(kindDemand, capacityMillis) };
}

function enough(demand: readonly DemandClass[]): readonly DemandClass[] {
  const tasks = demand.reduce((sum, { count }) => sum + count, 0);
  return tasks < TASKS_PRICED_MIN ? [] : demand;
}

/** Numbers of the kinds that a class accepts; null when it does not mind. */
function kindsAccepted(
  { models, gpuMemoryMiB }: DemandClass,
  kinds: readonly GpuKind[],
): number[] | null {
  if (models.length === 0 && gpuMemoryMiB === 0) return null;
  const wanted = { models, memoryMiB: gpuMemoryMiB };
  return [...kinds.entries()].flatMap(([number, kind]) =>
    acceptsGpu(kind, wanted) ? [number] : [],
  );
}
