import { WHOLE_GPU_MILLIS } from "@berth/protocol";
import { GPU_VALUE } from "./gpu-prices.ts";

/** Demand of one class, and the kinds of GPU it accepts by number; null accepts any. */
export interface KindDemand {
  readonly gpuCount: number;
  readonly gpuMillis: number;
  readonly count: number;
  readonly kinds: readonly number[] | null;
}

/** What a GPU costs extra when demand that accepts few kinds could fill all GPUs of its kind. */
const PREMIUM_MAX = GPU_VALUE / 5;

/**
 * The extra cost of one GPU of each kind: work that could go anywhere should leave the kinds to work
 * that has no choice. Constrained demand is spread evenly over the kinds it accepts; the premium
 * grows with the share of the kind it would fill, if all demand together asked for exactly the
 * cluster's capacity. Without constraints it is zero.
 */
export function modelPremiums(
  demand: readonly KindDemand[],
  capacityMillis: readonly number[],
): Int32Array {
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  const capacity = sum(capacityMillis);
  const offered = sum(demand.map(({ gpuCount, gpuMillis, count }) => gpuCount * gpuMillis * count));
  const filled = capacityMillis.map(() => 0);
  for (const { gpuCount, gpuMillis, count, kinds } of demand) {
    if (gpuCount === 0 || count === 0 || kinds === null || kinds.length === filled.length) continue;
    const accepted = sum(kinds.map((kind) => capacityMillis[kind] ?? 0));
    if (accepted === 0) continue;
    const share = (((gpuCount * gpuMillis * count) / offered) * capacity) / accepted;
    for (const kind of kinds) filled[kind] = (filled[kind] ?? 0) + share;
  }
  return Int32Array.from(filled, (share) => Math.round(Math.min(1, share) * PREMIUM_MAX));
}

/** What `gpuCount` GPUs of `gpuMillis` each cost extra, at a premium for one. */
export function premiumFor(premium: number, gpuCount: number, gpuMillis: number): number {
  return Math.round(premium * ((gpuCount * gpuMillis) / WHOLE_GPU_MILLIS));
}
