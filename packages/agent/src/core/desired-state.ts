import type {
  AllocationId,
  DesiredAllocation,
  DesiredDelta,
  DesiredReply,
  Fence,
} from "@berth/protocol";
import { compareFences, isNewer, isSameFence } from "./fence.ts";

export type DesiredAllocations = ReadonlyMap<AllocationId, DesiredAllocation>;

/**
 * What should run here, as far as this agent knows. `allocations` is null until the whole has been
 * pulled once since the agent started: an agent that does not know stops nothing.
 */
export interface DesiredState {
  /** Nothing older is ever applied; outlives the agent. */
  readonly floor: Fence | null;
  /** The fence of `allocations`. */
  readonly applied: Fence | null;
  readonly allocations: DesiredAllocations | null;
}

export function unknownDesired(floor: Fence | null): DesiredState {
  return { floor, applied: null, allocations: null };
}

/**
 * - `applied`: it followed on what was there.
 * - `stale`: older than, or the same as, what was there; nothing changed.
 * - `gap`: something between is missing; the whole must be pulled.
 */
export type DeltaResult =
  | { result: "applied"; state: DesiredState }
  | { result: "stale" }
  | { result: "gap" };

export function applyDelta(state: DesiredState, delta: DesiredDelta): DeltaResult {
  if (!isNewer(delta.fence, state.floor)) return { result: "stale" };
  if (state.allocations === null || !isSameFence(delta.base, state.applied)) {
    return { result: "gap" };
  }
  const allocations = new Map(state.allocations);
  for (const id of delta.remove) allocations.delete(id);
  for (const allocation of delta.add) allocations.set(allocation.allocationId, allocation);
  return {
    result: "applied",
    state: { floor: delta.fence, applied: delta.fence, allocations },
  };
}

/** Pages of one listing, all at one fence. */
export interface Listing {
  readonly fence: Fence;
  readonly allocations: readonly DesiredAllocation[];
}

/** Adds a page; null when it belongs to another moment and the listing must start over. */
export function addPage(listing: Listing | null, page: DesiredReply): Listing | null {
  if (listing === null) return { fence: page.fence, allocations: page.allocations };
  if (!isSameFence(listing.fence, page.fence)) return null;
  return { fence: page.fence, allocations: [...listing.allocations, ...page.allocations] };
}

/** Takes a whole listing in the place of everything known; null when it is older than the floor. */
export function applyListing(state: DesiredState, listing: Listing): DesiredState | null {
  if (state.floor !== null && compareFences(listing.fence, state.floor) < 0) return null;
  return {
    floor: listing.fence,
    applied: listing.fence,
    allocations: new Map(listing.allocations.map((each) => [each.allocationId, each])),
  };
}
