import {
  type GpuRequest,
  type QuotaDimension,
  quotaDimensions,
  WHOLE_GPU_MILLIS,
  type WorkloadSpec,
} from "@berth/protocol";

/** An amount in each dimension: thousandths of cores, MiB, thousandths of GPUs. */
export type QuotaUse = Readonly<Record<QuotaDimension, number>>;
/** The same, being counted. */
export type QuotaCount = Record<QuotaDimension, number>;

export function noUse(): QuotaCount {
  return { cpuMillis: 0, memoryMiB: 0, gpuMillis: 0 };
}

const uses = new WeakMap<WorkloadSpec["resources"], QuotaUse>();

/**
 * What each allocation of a workload is charged: what it asks for, which is what it is granted. A
 * GPU slice of profile `2g.20gb` counts as two of the seven parts of a device.
 */
export function quotaUseOf({ resources }: WorkloadSpec): QuotaUse {
  const known = uses.get(resources);
  if (known) return known;
  const { cpuMillis, memoryMiB, gpu } = resources;
  const use = { cpuMillis, memoryMiB, gpuMillis: gpu ? gpu.count * gpuMillisOf(gpu) : 0 };
  uses.set(resources, use);
  return use;
}

const SLICES_PER_GPU = 7;

function gpuMillisOf({ shareMillis = WHOLE_GPU_MILLIS, slice = "" }: GpuRequest): number {
  const parts = Number(/^(\d+)g\b/.exec(slice)?.[1] ?? Number.NaN);
  if (Number.isNaN(parts)) return shareMillis;
  return Math.ceil((Math.min(parts, SLICES_PER_GPU) * WHOLE_GPU_MILLIS) / SLICES_PER_GPU);
}

export function addUse(to: QuotaCount, use: QuotaUse, times = 1): void {
  for (const dimension of quotaDimensions) to[dimension] += times * use[dimension];
}

export function isNoUse(use: QuotaUse): boolean {
  return quotaDimensions.every((dimension) => use[dimension] === 0);
}
