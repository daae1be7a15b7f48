/** Whom to stop so that more important work fits, exactly the cheapest. */
export { addCosts, compareCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";
export { type Seat, SeatSearch } from "./seat-search.ts";
export { type Victim, type VictimUnit, Victims } from "./victims.ts";
