import type { AllocationId, PendingExplanation, StopReason } from "@berth/protocol";
import type { AllocationRecord, Slot } from "../state/cluster-state.ts";

/** What should change for one workload: what should exist minus what does. */
export interface Reconciliation {
  readonly stops: Stop[];
  /** Indexes that need a place now, ascending. */
  readonly place: number[];
  /** Indexes that wait for something else than a place. */
  readonly waiting: WaitingIndex[];
  /** History beyond what is remembered. */
  readonly forget: AllocationId[];
}

export interface Stop {
  readonly allocation: AllocationRecord;
  readonly reason: StopReason;
}

export interface WaitingIndex {
  readonly index: number;
  readonly explanation: PendingExplanation;
}

export function emptyReconciliation(): Reconciliation {
  return { stops: [], place: [], waiting: [], forget: [] };
}

/** An index without a live allocation: placed now, or after its backoff. */
export function placeOrBackOff(
  result: Reconciliation,
  index: number,
  slot: Slot | undefined,
  nowUnixMs: number,
): void {
  const untilUnixMs = slot?.retryAtUnixMs ?? null;
  if (!slot || untilUnixMs === null || untilUnixMs <= nowUnixMs) {
    result.place.push(index);
    return;
  }
  const failures = Math.max(1, slot.failuresAtUnixMs.length);
  const lastFailure = slot.lastFailure ?? "failed";
  result.waiting.push({
    index,
    explanation: { reason: "backoff", failures, untilUnixMs, lastFailure },
  });
}

/**
 * Asks a running allocation to stop. One that no agent has confirmed yet is left until it is: only
 * then is somebody certain to report its end. Either way its index waits for it.
 */
export function stopOnceConfirmed(
  result: Reconciliation,
  allocation: AllocationRecord,
  reason: StopReason,
): void {
  if (allocation.status === "running") result.stops.push({ allocation, reason });
}

/** Its place is taken until its former allocation has ended. */
export function waitForPredecessor(result: Reconciliation, allocation: AllocationRecord): void {
  const { id: allocationId, nodeName, index } = allocation;
  result.waiting.push({ index, explanation: { reason: "predecessor", allocationId, nodeName } });
}
