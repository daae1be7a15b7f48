import type { RestartSpec } from "@berth/protocol";

/** Failures that still count, oldest first, and what follows from the last one. */
export interface AfterFailure {
  readonly failuresAtUnixMs: number[];
  readonly next: { kind: "retry"; atUnixMs: number } | { kind: "give_up" };
}

/**
 * A failure is followed by a retry after a wait that doubles with each failure in the window. Once
 * there are more of them than `attempts`, either the oldest has to leave the window first, or the
 * index is given up.
 */
export function afterFailure(
  restart: RestartSpec,
  earlierUnixMs: readonly number[],
  failedAtUnixMs: number,
): AfterFailure {
  const within = earlierUnixMs.filter((at) => at > failedAtUnixMs - restart.withinMs);
  const failuresAtUnixMs = [...within, failedAtUnixMs].slice(-(restart.attempts + 1));
  const exhausted = failuresAtUnixMs.length > restart.attempts;
  if (exhausted && restart.exhausted === "fail")
    return { failuresAtUnixMs, next: { kind: "give_up" } };
  const backoffMs = backoffAfter(restart, failuresAtUnixMs.length);
  const oldestMs = failuresAtUnixMs[0] ?? failedAtUnixMs;
  const atUnixMs = Math.max(
    failedAtUnixMs + backoffMs,
    exhausted ? oldestMs + restart.withinMs : 0,
  );
  return { failuresAtUnixMs, next: { kind: "retry", atUnixMs } };
}

function backoffAfter(restart: RestartSpec, failures: number): number {
  let backoffMs = restart.backoffMinMs;
  for (let i = 1; i < failures && backoffMs < restart.backoffMaxMs; i += 1) backoffMs *= 2;
  return Math.min(backoffMs, Math.max(restart.backoffMinMs, restart.backoffMaxMs));
}
