/**
 * Finding the best node quickly and exactly: see `Search` for how, `place/score-node.ts` and
 * `place/check-node.ts` for what is best and what fits.
 *
 *     NodeRecord + Ledger → ClusterFleet → PlacementEngine { Fleet, NodeAttributes, NodeMasks, Search }
 *     NodeDescription → Placer → PlacementEngine                      (benchmarks, no cluster's state)
 */
export { ClusterFleet, fleetOf } from "./cluster-fleet.ts";
export type { GpuKind } from "./fleet.ts";
export { PlacementEngine } from "./placement-engine.ts";
export { roomOf } from "./node-room.ts";
export { Placer } from "./placer.ts";
export { stockPrices } from "./stocks.ts";
