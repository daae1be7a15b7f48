import type { WireError } from "@berth/protocol";
import type { ClusterState } from "../core/index.ts";
import type { Reign } from "./reign.ts";

/**
 * What this scheduler is to those who ask it something.
 *
 * - `away`: it has no state to answer from; everything is refused.
 * - `reading`: the log has no room. The state is as the log has it; only writes are refused.
 * - `leading`: it decides.
 */
export type Standing =
  | { readonly mode: "away"; readonly refusal: WireError }
  | { readonly mode: "reading"; readonly state: ClusterState; readonly refusal: WireError }
  | { readonly mode: "leading"; readonly reign: Reign };

/** There is a state to answer from. */
export type Present = Exclude<Standing, { mode: "away" }>;

export function stateOf(standing: Present): ClusterState {
  return standing.mode === "leading" ? standing.reign.state : standing.state;
}
