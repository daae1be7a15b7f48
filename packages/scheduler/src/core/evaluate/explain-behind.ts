import type { PendingExplanation, WorkloadSpec } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import type { Hold } from "../queue/holds.ts";

/** There is room, and it is kept for somebody ahead. */
export function explainBehind(
  { holder, startUnixMs }: Hold,
  spec: WorkloadSpec,
  nowUnixMs: number,
): PendingExplanation {
  assert(holder.kind === "workload", "a reservation is told node by node");
  const isKnown = startUnixMs !== null && startUnixMs > nowUnixMs;
  return {
    reason: "behind",
    workload: holder.id,
    startsAtUnixMs: isKnown ? startUnixMs : null,
    timeLimitMsMax:
      isKnown && spec.kind === "batch"
        ? roundTimeLimitMs(startUnixMs - nowUnixMs - spec.stop.graceMs)
        : null,
  };
}

const MINUTE_MS = 60_000;
const ROUND_LIMITS_MS = [1, 2, 5, 10, 20, 30, 60, 120, 240, 480, 720, 1_440].map(
  (minutes) => minutes * MINUTE_MS,
);

/** A round number, so that the advice does not change with every second that passes. */
function roundTimeLimitMs(timeLimitMs: number): number | null {
  const days = Math.floor(timeLimitMs / (1_440 * MINUTE_MS));
  if (days > 1) return days * 1_440 * MINUTE_MS;
  return ROUND_LIMITS_MS.findLast((limit) => limit <= timeLimitMs) ?? null;
}
