import { GPU_VALUE } from "./node-value.ts";

/** Demand of one class, and the GPU models it accepts as bits. */
export interface ModelDemand {
  readonly gpuCount: number;
  readonly gpuMillis: number;
  readonly count: number;
  readonly modelMask: number;
}

/** What a GPU costs extra when demand that accepts few models could fill all GPUs of its model. */
const PREMIUM_MAX = GPU_VALUE / 5;

/**
 * The extra cost of one GPU of each model: work that could go anywhere should leave the models to
 * work that has no choice. Constrained demand is spread evenly over the models it accepts; the
 * premium grows with the share of the model it would fill, if all demand together asked for exactly
 * the cluster's capacity. Without constraints it is zero.
 */
export function modelPremiums(
  demand: readonly ModelDemand[],
  capacityMillis: readonly number[],
): Int32Array {
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  const anyModel = 2 ** capacityMillis.length - 1;
  const capacity = sum(capacityMillis);
  const offered = sum(demand.map(({ gpuCount, gpuMillis, count }) => gpuCount * gpuMillis * count));
  const filled = capacityMillis.map(() => 0);
  for (const { gpuCount, gpuMillis, count, modelMask } of demand) {
    if (gpuCount === 0 || modelMask === anyModel) continue;
    const accepted = sum(capacityMillis.filter((_, model) => ((modelMask >> model) & 1) === 1));
    if (accepted === 0) continue;
    const share = (((gpuCount * gpuMillis * count) / offered) * capacity) / accepted;
    for (const model of filled.keys()) {
      if (((modelMask >> model) & 1) === 1) filled[model] = (filled[model] ?? 0) + share;
    }
  }
  return Int32Array.from(filled, (share) => Math.round(Math.min(1, share) * PREMIUM_MAX));
}
