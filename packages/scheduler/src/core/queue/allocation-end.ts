import type { WorkloadSpec } from "@berth/protocol";
import type { AllocationRecord, ClusterState } from "../state/cluster-state.ts";
import { deadlineOf, deadlineUnixMs } from "../state/time-limit.ts";

/** It was asked to stop and takes no longer than its grace: before anything that is known. */
export const SOON_UNIX_MS = 0;

/**
 * When a live allocation has ended at the latest; `someday` for a batch without a time limit, which
 * ends when it is done; `never` for what runs until it is stopped.
 */
export type AllocationEnd = number | "someday" | "never";

export function endOf(state: ClusterState, allocation: AllocationRecord): AllocationEnd {
  if (allocation.status === "stopping") return SOON_UNIX_MS;
  return endAfter(allocation.spec, deadlineOf(state, allocation));
}

/** The same for an allocation that would be placed at that moment. */
export function endIfPlaced(spec: WorkloadSpec, placedAtUnixMs: number): AllocationEnd {
  return endAfter(spec, deadlineUnixMs(spec, placedAtUnixMs));
}

function endAfter(spec: WorkloadSpec, deadline: number | null): AllocationEnd {
  if (deadline !== null) return deadline + spec.stop.graceMs;
  return spec.kind === "batch" ? "someday" : "never";
}
