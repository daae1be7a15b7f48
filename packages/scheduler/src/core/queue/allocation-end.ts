import type { WorkloadSpec } from "@berth/protocol";
import type { AllocationRecord } from "../state/cluster-state.ts";
import { deadlineUnixMs } from "../state/time-limit.ts";

/** It was asked to stop and takes no longer than its grace: before anything that is known. */
export const SOON_UNIX_MS = 0;

/**
 * When a live allocation has ended at the latest; `someday` for a batch without a time limit, which
 * ends when it is done; `never` for what runs until it is stopped.
 */
export type AllocationEnd = number | "someday" | "never";

export function endOf({ status, spec, placedAtUnixMs }: AllocationRecord): AllocationEnd {
  return status === "stopping" ? SOON_UNIX_MS : endIfPlaced(spec, placedAtUnixMs);
}

/** The same for an allocation that would be placed at that moment. */
export function endIfPlaced(spec: WorkloadSpec, placedAtUnixMs: number): AllocationEnd {
  const deadline = deadlineUnixMs(spec, placedAtUnixMs);
  if (deadline !== null) return deadline + spec.stop.graceMs;
  return spec.kind === "batch" ? "someday" : "never";
}
