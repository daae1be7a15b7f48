import type { CheckSpec, Health } from "@berth/protocol";

/** The memory of an allocation's check. */
export interface CheckState {
  readonly health: Health;
  readonly failuresInRow: number;
  /** Why the last probe failed; null when it passed. */
  readonly message: string | null;
}

export type ProbeResult =
  | { readonly passed: true }
  | { readonly passed: false; readonly message: string };

export function initialCheck(check: CheckSpec | null): CheckState {
  return { health: check === null ? "none" : "starting", failuresInRow: 0, message: null };
}

/**
 * One probe's answer. A single pass makes healthy. A healthy allocation takes `failures` in a row
 * to become unhealthy; one that never passed becomes so with the first failure after the start
 * period.
 */
export function afterProbe(
  state: CheckState,
  check: CheckSpec,
  probe: ProbeResult,
  sinceStartMs: number,
): CheckState {
  if (probe.passed) return { health: "healthy", failuresInRow: 0, message: null };
  const failuresInRow = state.failuresInRow + 1;
  const { message } = probe;
  switch (state.health) {
    case "healthy": {
      const health = failuresInRow >= check.failures ? "unhealthy" : "healthy";
      return { health, failuresInRow, message };
    }
    case "none":
    case "starting": {
      const health = sinceStartMs >= check.startPeriodMs ? "unhealthy" : "starting";
      return { health, failuresInRow, message };
    }
    case "unhealthy":
      return { health: "unhealthy", failuresInRow, message };
  }
}

/** The wait before the next probe: short at first, so that a fast start is seen at once. */
export function nextProbeDelayMs(
  state: CheckState,
  check: CheckSpec,
  probesSoFar: number,
  firstDelayMs: number,
): number {
  if (state.health !== "starting") return check.intervalMs;
  return Math.min(check.intervalMs, firstDelayMs * 2 ** Math.min(probesSoFar, 16));
}
