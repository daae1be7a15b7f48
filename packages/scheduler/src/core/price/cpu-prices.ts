import type { Amounts } from "./capacity.ts";
import type { Demand } from "./demand.ts";
import { densityOf, evenly, NOT_NEEDED, type Density } from "./density.ts";
import { GPU_VALUE } from "./gpu-prices.ts";

/** Cpu of one core: densities beside cpu are per core. */
export const CORE_MILLIS = 1000;

/** What demand without GPUs says cpu is worth. */
export interface CpuPrices {
  /** Value of one thousandth of a core; an integer, at least 1. */
  readonly perMilli: number;
  /** Losses of cpu value closer than this count as equal; a multiple of {@link perMilli}. */
  readonly step: number;
  /** What work needs beside each core. */
  readonly memory: Density;
  readonly disk: Density;
  readonly network: Density;
}

/** A core is worth a fiftieth of a GPU, unless GPUs need so many cores that they would be worth less. */
const MILLI_VALUE = GPU_VALUE / 50 / CORE_MILLIS;

/**
 * A step is this part of the mean task. Coarser ones see less of what is left over, finer ones spread
 * work over idle nodes; from a half to a twentieth, results are within half a percent.
 */
const STEPS_PER_TASK = 4;

/** Where no demand is known: a quarter of a core. */
const STEP_MILLIS = CORE_MILLIS / STEPS_PER_TASK;

/**
 * Prices cpu by the demand that asks for no GPU; null while there is none. `cpuPerGpu` is what work
 * needs beside each GPU: the cpu a GPU needs never costs more than half of it.
 */
export function priceCpu(demand: readonly Demand[], cpuPerGpu: number): CpuPrices | null {
  const cpuDemand = demand.filter(({ gpuCount, count }) => gpuCount === 0 && count > 0);
  const count = cpuDemand.reduce((sum, task) => sum + task.count, 0);
  const cpuMillis = cpuDemand.reduce((sum, task) => sum + task.count * task.cpuMillis, 0);
  if (cpuMillis === 0) return null;
  const perMilli = milliValue(cpuPerGpu);
  const coresOf = (task: Demand): number => task.cpuMillis / CORE_MILLIS;
  return {
    perMilli,
    step: perMilli * Math.max(1, Math.round(cpuMillis / count / STEPS_PER_TASK)),
    memory: densityOf(cpuDemand, coresOf, ({ memoryMiB }) => memoryMiB),
    disk: densityOf(cpuDemand, coresOf, ({ diskMiB }) => diskMiB),
    network: densityOf(cpuDemand, coresOf, ({ networkMbps }) => networkMbps),
  };
}

/** Knowing no demand: work is as dense as the nodes are; most of it needs no disk nor network. */
export function cpuPricesOf({ cpuMillis, memoryMiB }: Amounts, cpuPerGpu: number): CpuPrices {
  const perMilli = milliValue(cpuPerGpu);
  return {
    perMilli,
    step: perMilli * STEP_MILLIS,
    memory: evenly(memoryMiB, cpuMillis / CORE_MILLIS),
    disk: NOT_NEEDED,
    network: NOT_NEEDED,
  };
}

function milliValue(cpuPerGpu: number): number {
  const half = cpuPerGpu === 0 ? MILLI_VALUE : Math.floor(GPU_VALUE / 2 / cpuPerGpu);
  return Math.max(1, Math.min(MILLI_VALUE, half));
}
