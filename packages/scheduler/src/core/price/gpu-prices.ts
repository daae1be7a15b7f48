import { WHOLE_GPU_MILLIS } from "@berth/protocol";
import type { Amounts } from "./capacity.ts";
import type { Demand } from "./demand.ts";
import { densityOf, evenly, type Density } from "./density.ts";
import { coarsen, priceLeftovers, type Piece } from "./leftover-prices.ts";

/** One GPU's worth: every value of this folder is in these millionths. */
export const GPU_VALUE = 1_000_000;

/** What demand for GPUs says leftovers are worth. */
export interface GpuPrices {
  /** Value of a GPU with `r` thousandths free, r = 0 … 1000, not falling; `[1000]` is a GPU's worth. */
  readonly leftover: Int32Array;
  /** What work needs beside each GPU. */
  readonly cpu: Density;
  readonly memory: Density;
  readonly disk: Density;
  readonly network: Density;
}

/** Prices leftovers and what work needs beside GPUs; null while the demand asks for no GPU. */
export function priceGpus(demand: readonly Demand[]): GpuPrices | null {
  const gpuDemand = demand.filter(({ gpuCount, count }) => gpuCount > 0 && count > 0);
  if (gpuDemand.length === 0) return null;
  const pieces = gpuDemand.map(
    ({ gpuCount, gpuMillis, count }): Piece => ({ size: gpuMillis, demand: gpuCount * count }),
  );
  const { worth } = priceLeftovers(coarsen(pieces));
  const gpusOf = (task: Demand): number => (task.gpuCount * task.gpuMillis) / WHOLE_GPU_MILLIS;
  return {
    leftover: Int32Array.from(worth, (gpus) => Math.round(gpus * GPU_VALUE)),
    cpu: densityOf(gpuDemand, gpusOf, ({ cpuMillis }) => cpuMillis),
    memory: densityOf(gpuDemand, gpusOf, ({ memoryMiB }) => memoryMiB),
    disk: densityOf(gpuDemand, gpusOf, ({ diskMiB }) => diskMiB),
    network: densityOf(gpuDemand, gpusOf, ({ networkMbps }) => networkMbps),
  };
}

/**
 * Knowing no demand: a share is worth its size, and work is as dense as the nodes with GPUs are.
 * Disk and network are left out, because most work asks for none.
 */
export function gpuPricesOf(gpus: number, beside: Amounts): GpuPrices {
  return {
    leftover: Int32Array.from(
      { length: WHOLE_GPU_MILLIS + 1 },
      (_, free) => (free * GPU_VALUE) / WHOLE_GPU_MILLIS,
    ),
    cpu: evenly(beside.cpuMillis, gpus),
    memory: evenly(beside.memoryMiB, gpus),
    disk: evenly(0, gpus),
    network: evenly(0, gpus),
  };
}
