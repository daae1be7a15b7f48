export const RECONNECT_MIN_MS = 500;
export const RECONNECT_MAX_MS = 15_000;

/**
 * How long to wait before dialling again: doubling from half a second to fifteen, each between half
 * and the whole of that at random, so that pages do not come back all at once.
 */
export function reconnectDelayMs(failures: number, random: number): number {
  const ceilingMs = Math.min(RECONNECT_MAX_MS, RECONNECT_MIN_MS * 2 ** Math.max(0, failures));
  return Math.max(RECONNECT_MIN_MS, ceilingMs * (0.5 + random / 2));
}
