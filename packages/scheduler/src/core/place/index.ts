/** What fits on one node, what that is worth and what exactly it gives: what plain loops need. */
export { firstLack } from "./check-node.ts";
export { grantOn } from "./grant.ts";
export { type PlacementRequest, placementRequest } from "./placement-request.ts";
export { type Score, type ScoreContext, scoreNode } from "./score-node.ts";
export { LiveSurroundings, NO_SURROUNDINGS, valueOf } from "./surroundings.ts";
export { newNode } from "../state/apply-node-event.ts";
export { byCodeUnit } from "../state/canonical-text.ts";
export { type ClusterState, createState, type NodeRecord } from "../state/cluster-state.ts";
export {
  addGrant,
  copyUsage,
  subtractGrant,
  unused,
  type UsageAccount,
} from "../state/node-usage.ts";
