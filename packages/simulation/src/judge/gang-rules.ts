import type { ClusterEvent, WorkloadId } from "@berth/protocol";
import type { ClusterState, WorkloadRecord } from "@berth/scheduler/state";
import { demand } from "./violation.ts";

/** [INV7] A gang begins when nothing of it lives. */
export function checkGangBegins(
  state: ClusterState,
  event: ClusterEvent,
  previous: ClusterEvent | undefined,
): void {
  const gang = gangPlacedBy(state, event);
  if (gang === null || placedBy(previous) === gang.id) return;
  const living = indexesOf(gang).filter((index) => gang.slots.get(index)?.live);
  demand(living.length === 0, "INV7", () => `${gang.id} is started while [${living.join()}] live`);
}

/** [INV7] It is whole before anything else happens. */
export function checkGangEnds(
  state: ClusterState,
  event: ClusterEvent,
  next: ClusterEvent | undefined,
): void {
  const gang = gangPlacedBy(state, event);
  if (gang === null || placedBy(next) === gang.id) return;
  const missing = missingOf(gang);
  demand(missing.length === 0, "INV7", () => `${gang.id} is started without [${missing.join()}]`);
}

/** Indexes that should run and do not, where others of the gang do; empty for what is whole. */
export function brokenGang(workload: WorkloadRecord): number[] {
  const missing = isGang(workload) ? missingOf(workload) : [];
  const lives = indexesOf(workload).some((index) => workload.slots.get(index)?.live);
  return lives ? missing : [];
}

/** How many of a workload have to start at once. */
export function startTogether(workload: WorkloadRecord): number {
  return isGang(workload) ? Math.max(1, missingOf(workload).length) : 1;
}

function gangPlacedBy({ workloads }: ClusterState, event: ClusterEvent): WorkloadRecord | null {
  const id = placedBy(event);
  const workload = id === null ? undefined : workloads.get(id);
  return workload && isGang(workload) ? workload : null;
}

function placedBy(event: ClusterEvent | undefined): WorkloadId | null {
  return event?.type === "AllocationPlaced" ? event.workloadId : null;
}

function isGang({ spec }: WorkloadRecord): boolean {
  return spec.kind !== "system" && spec.placement?.gang !== undefined;
}

function indexesOf({ spec }: WorkloadRecord): number[] {
  return spec.kind === "system" ? [] : Array.from({ length: spec.count }, (_, index) => index);
}

function missingOf(workload: WorkloadRecord): number[] {
  return indexesOf(workload).filter((index) => {
    const slot = workload.slots.get(index);
    return !slot || (slot.live === null && slot.done === null);
  });
}
