import { type AllocationId, allocationNumber, type DesiredAllocation } from "@berth/protocol";
import type { DesiredAllocations } from "./desired-state.ts";

/**
 * What is observed of one allocation on this node. `prepared`: its record is on disk, and nothing
 * was started as far as anybody knows.
 */
export type Phase = "prepared" | "starting" | "running" | "stopping" | "finished";

export type Action =
  | { readonly kind: "start"; readonly allocation: DesiredAllocation }
  | { readonly kind: "stop"; readonly allocationId: AllocationId };

/**
 * Desired and observed → actions. Level-triggered: it needs no memory of what was done before, and
 * running it twice asks for nothing new. While what is desired is unknown, nothing is started or
 * stopped. A finished allocation is never started again: a replacement has another id.
 */
export function reconcile(
  desired: DesiredAllocations | null,
  observed: ReadonlyMap<AllocationId, Phase>,
  startsMax: number,
): Action[] {
  if (desired === null) return [];
  const actions: Action[] = [];
  for (const [allocationId, phase] of observed) {
    const isStoppable = phase === "prepared" || phase === "starting" || phase === "running";
    if (isStoppable && !desired.has(allocationId)) actions.push({ kind: "stop", allocationId });
  }
  return [...actions, ...starts(desired, observed, startsMax)];
}

function starts(
  desired: DesiredAllocations,
  observed: ReadonlyMap<AllocationId, Phase>,
  startsMax: number,
): Action[] {
  let starting = 0;
  for (const phase of observed.values()) if (phase === "starting") starting += 1;
  const waiting: DesiredAllocation[] = [];
  for (const allocation of desired.values()) {
    const phase = observed.get(allocation.allocationId);
    if (phase === undefined || phase === "prepared") waiting.push(allocation);
  }
  return waiting
    .sort((a, b) => allocationNumber(a.allocationId) - allocationNumber(b.allocationId))
    .slice(0, Math.max(0, startsMax - starting))
    .map((allocation) => ({ kind: "start", allocation }));
}
