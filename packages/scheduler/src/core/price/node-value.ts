import type { Density } from "./density.ts";
import { CORE_MILLIS } from "./cpu-prices.ts";
import { GPU_VALUE, type GpuPrices } from "./gpu-prices.ts";
import type { Prices } from "./prices.ts";

/**
 * What a node's free resources are worth to future work, an integer in millionths of a GPU: the sum
 * of `gpuWorth` and of `cpuWorth`. A task should go where that falls least (`costOf`). Pure functions
 * of numbers; they allocate nothing.
 */

/** Free amount of a resource whose capacity is unknown: nothing is expected to be lost for want of it. */
export const UNLIMITED = 2 ** 40;

/** Losses of GPU value closer than this count as equal. */
export const GPU_STEP = GPU_VALUE / 20;

/**
 * What the node's GPUs can serve: the priced leftovers (`leftoverValue`, the sum of their values),
 * less what they are expected to lose for want of cpu, memory, disk or network, whichever runs short
 * most. Never negative.
 */
export function gpuWorth(
  prices: GpuPrices,
  leftoverValue: number,
  cpuMillis: number,
  memoryMiB: number,
  diskMiB: number,
  networkMbps: number,
): number {
  if (leftoverValue === 0) return 0;
  const lost = Math.max(
    expectedLoss(prices.cpu, leftoverValue, GPU_VALUE, cpuMillis),
    expectedLoss(prices.memory, leftoverValue, GPU_VALUE, memoryMiB),
    expectedLoss(prices.disk, leftoverValue, GPU_VALUE, diskMiB),
    expectedLoss(prices.network, leftoverValue, GPU_VALUE, networkMbps),
  );
  return Math.max(0, leftoverValue - lost);
}

/**
 * What is worth something to work without GPUs: the cpu that the node's GPUs (`worthOfGpus`, of
 * `gpuWorth`) will not need, less what it is expected to lose for want of memory, disk or network.
 * On a node without GPUs, or with none free, that is all of its free cpu. Never negative.
 */
export function cpuWorth(
  prices: Prices,
  worthOfGpus: number,
  cpuMillis: number,
  memoryMiB: number,
  diskMiB: number,
  networkMbps: number,
): number {
  const { gpu, cpu } = prices;
  const gpus = worthOfGpus / GPU_VALUE;
  const spare = Math.floor(cpuMillis - gpus * gpu.cpu.perUnit);
  if (spare <= 0) return 0;
  const lost = Math.max(
    expectedLoss(cpu.memory, spare, CORE_MILLIS, memoryMiB - gpus * gpu.memory.perUnit),
    expectedLoss(cpu.disk, spare, CORE_MILLIS, diskMiB - gpus * gpu.disk.perUnit),
    expectedLoss(cpu.network, spare, CORE_MILLIS, networkMbps - gpus * gpu.network.perUnit),
  );
  return Math.max(0, spare - lost) * cpu.perMilli;
}

/** Both parts of a node's value; `leftoverValue` is 0 without GPUs. */
export function nodeValue(
  prices: Prices,
  leftoverValue: number,
  cpuMillis: number,
  memoryMiB: number,
  diskMiB: number,
  networkMbps: number,
): number {
  const worthOfGpus = gpuWorth(
    prices.gpu,
    leftoverValue,
    cpuMillis,
    memoryMiB,
    diskMiB,
    networkMbps,
  );
  return worthOfGpus + cpuWorth(prices, worthOfGpus, cpuMillis, memoryMiB, diskMiB, networkMbps);
}

/**
 * What a placement costs: the GPU value and the cpu value lost, each rounded up to its step. What
 * costs the same is then filled in order, which keeps whole nodes idle for large tasks. A task that
 * takes GPUs is charged for GPU value alone (`cpuLost` 0): cpu would only blur which GPUs to take.
 */
export function costOf(gpuLost: number, cpuLost: number, cpuStep: number): number {
  return Math.ceil(gpuLost / GPU_STEP) * GPU_STEP + Math.ceil(cpuLost / cpuStep) * cpuStep;
}

/**
 * The newsvendor's expected shortage, turned into units of what it is wanted beside. Work for `worth`
 * (of which `unit` make one GPU, or one core) needs an amount of the resource with mean `perUnit · n`
 * and deviation `deviation · √n`, where n = worth / unit; `free` is there. Whatever the distribution,
 * E[(need − free)⁺] ≤ (√(deviation² · n + x²) + x) / 2 with x = mean − free, and some distribution
 * reaches it (Scarf, "A min-max solution of an inventory problem", 1958).
 */
function expectedLoss(density: Density, worth: number, unit: number, free: number): number {
  const { perUnit, deviation } = density;
  if (perUnit === 0) return 0;
  const units = worth / unit;
  const missing = perUnit * units - free;
  const variance = deviation * deviation * units;
  const root = Math.sqrt(variance + missing * missing);
  // The second form is the first without the cancellation that ruins it when much is free.
  const shortage = missing > 0 ? (root + missing) / 2 : variance / (root - missing) / 2;
  return variance === 0 && missing <= 0 ? 0 : Math.round((shortage * unit) / perUnit);
}
