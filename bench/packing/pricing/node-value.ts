/** One GPU's worth in the integer units of this module. */
export const GPU_VALUE = 1_000_000;

/** How much of a resource future work needs beside each GPU. */
export interface Density {
  /** Mean need per GPU, in the resource's own unit; 0 when nothing needs it. */
  readonly perGpu: number;
  /** Standard deviation of the need for one GPU; it grows with the root of the GPUs. */
  readonly deviation: number;
}

/** What demand says leftovers are worth: all that scoring a node needs to know of the future. */
export interface DemandPrices {
  /** Value of a GPU with `r` thousandths free, r = 0 … 1000, not falling. */
  readonly leftover: Int32Array;
  readonly cpu: Density;
  readonly memory: Density;
}

/**
 * What a node's free resources are worth to future work, in {@link GPU_VALUE} per GPU: the priced
 * leftovers of its GPUs, less what they are expected to lose for want of cpu or of memory, whichever
 * runs short more. `gpuValue` is the sum of the leftovers' values. Pure; allocates nothing.
 */
export function nodeValue(
  prices: DemandPrices,
  gpuValue: number,
  cpuFree: number,
  memoryFree: number,
): number {
  if (gpuValue === 0) return 0;
  const lost = Math.max(
    expectedLoss(prices.cpu, gpuValue, cpuFree),
    expectedLoss(prices.memory, gpuValue, memoryFree),
  );
  return Math.max(0, gpuValue - lost);
}

/**
 * The newsvendor's expected shortage, turned into GPU value. Work worth g GPUs needs an amount of the
 * resource with mean `perGpu · g` and deviation `deviation · √g`, of which `free` is there. Whatever
 * the distribution, E[(need − free)⁺] ≤ (√(deviation² · g + x²) + x) / 2 with x = mean − free, and
 * some distribution reaches it (Scarf, "A min-max solution of an inventory problem", 1958).
 */
function expectedLoss(density: Density, gpuValue: number, free: number): number {
  if (density.perGpu === 0) return 0;
  const gpus = gpuValue / GPU_VALUE;
  const missing = density.perGpu * gpus - free;
  const variance = density.deviation * density.deviation * gpus;
  const shortage = (Math.sqrt(variance + missing * missing) + missing) / 2;
  return Math.round((shortage * GPU_VALUE) / density.perGpu);
}
