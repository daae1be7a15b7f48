import {
  type AllocationId,
  allocationNumber,
  type DesiredAllocation,
  type Grant,
} from "@berth/protocol";
import type { DesiredAllocations } from "./desired-state.ts";

/**
 * What is observed of one allocation on this node. `prepared`: its record is on disk, and nothing
 * was started as far as anybody knows.
 */
export type Phase = "prepared" | "starting" | "running" | "stopping" | "finished";

export interface Observed {
  readonly phase: Phase;
  /** What it may hold until it has finished; null when nobody can tell any more. */
  readonly granted: Grant | null;
}

export type Action =
  | { readonly kind: "start"; readonly allocation: DesiredAllocation }
  | { readonly kind: "stop"; readonly allocationId: AllocationId };

/**
 * Desired and observed → actions. Level-triggered: it needs no memory of what was done before, and
 * running it twice asks for nothing new. While what is desired is unknown, nothing is started or
 * stopped. A finished allocation is never started again: a replacement has another id.
 *
 * A node that was called down comes back with tasks whose ports and devices have been granted anew:
 * a start waits until the last process that has them is gone.
 */
export function reconcile(
  desired: DesiredAllocations | null,
  observed: ReadonlyMap<AllocationId, Observed>,
  startsMax: number,
): Action[] {
  if (desired === null) return [];
  const actions: Action[] = [];
  for (const [allocationId, { phase }] of observed) {
    const isStoppable = phase === "prepared" || phase === "starting" || phase === "running";
    if (isStoppable && !desired.has(allocationId)) actions.push({ kind: "stop", allocationId });
  }
  return [...actions, ...starts(desired, observed, startsMax)];
}

function starts(
  desired: DesiredAllocations,
  observed: ReadonlyMap<AllocationId, Observed>,
  startsMax: number,
): Action[] {
  const held = heldBy(observed);
  let starting = 0;
  for (const { phase } of observed.values()) if (phase === "starting") starting += 1;
  const waiting: DesiredAllocation[] = [];
  for (const allocation of desired.values()) {
    const phase = observed.get(allocation.allocationId)?.phase;
    const isDue = phase === undefined || phase === "prepared";
    if (isDue && !waitsForOthers(allocation, held)) waiting.push(allocation);
  }
  return waiting
    .sort((a, b) => allocationNumber(a.allocationId) - allocationNumber(b.allocationId))
    .slice(0, Math.max(0, startsMax - starting))
    .map((allocation) => ({ kind: "start", allocation }));
}

/** Each port and device that may be in use, and by which allocations. */
function heldBy(observed: ReadonlyMap<AllocationId, Observed>) {
  const held = new Map<number | string, AllocationId[]>();
  for (const [id, { phase, granted }] of observed) {
    if (phase === "finished" || granted === null) continue;
    for (const one of exclusive(granted)) held.set(one, [...(held.get(one) ?? []), id]);
  }
  return held;
}

function waitsForOthers(
  { allocationId, granted }: DesiredAllocation,
  held: ReadonlyMap<number | string, readonly AllocationId[]>,
): boolean {
  return exclusive(granted).some((one) => held.get(one)?.some((id) => id !== allocationId));
}

/** What only one allocation may use at a time: ports by number, devices by UUID. */
function exclusive({ ports, gpuUuids }: Grant): (number | string)[] {
  return [...Object.values(ports), ...gpuUuids];
}
