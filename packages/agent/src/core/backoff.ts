/** The wait before try number `failures`: doubling from the least to the most. */
export function backoffMs(failures: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(0, failures - 1), 30));
}
