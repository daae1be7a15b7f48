import { quotaDimensions } from "@berth/protocol";
import type { QuotaUse } from "../state/quota-use.ts";

/** Parts of the cluster's capacity, in billionths, one for each of `quotaDimensions`. */
export type ShareVector = readonly number[];

export const WHOLE_SHARE = 1_000_000_000;

/** What part of each dimension a use is. Of what the cluster does not have, any use is all of it. */
export function shareVector(use: QuotaUse, capacity: QuotaUse): ShareVector {
  return quotaDimensions.map((dimension) => {
    const used = use[dimension];
    if (used <= 0) return 0;
    return scaled(used, WHOLE_SHARE, Math.max(used, capacity[dimension]));
  });
}

/** The largest part: what the user of these amounts wants most of (Ghodsi et al., NSDI 2011). */
export function dominantShare(vector: ShareVector): number {
  return Math.max(0, ...vector);
}

/** `floor(value * by / of)` of integers, exact however large the product is. */
export function scaled(value: number, by: number, of: number): number {
  const product = value * by;
  if (Number.isSafeInteger(product)) return Math.floor(product / of);
  return Number((BigInt(value) * BigInt(by)) / BigInt(of));
}
