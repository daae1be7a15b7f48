import type { WireError } from "@berth/protocol";
import type { ClusterState } from "../core/index.ts";
import type { Reign } from "./reign.ts";

/**
 * What this scheduler is to those who ask it something.
 *
 * - `away`: it has no state to answer from; everything is refused.
 * - `following`: its state is the log's, as far as it has come here. Writes are refused: another
 *   scheduler leads, or none can.
 * - `leading`: it decides.
 */
export type Standing =
  | { readonly mode: "away"; readonly refusal: WireError }
  | { readonly mode: "following"; readonly state: ClusterState; readonly refusal: WireError }
  | { readonly mode: "leading"; readonly reign: Reign };

/** There is a state to answer from. */
export type Present = Exclude<Standing, { mode: "away" }>;

export function stateOf(standing: Present): ClusterState {
  return standing.mode === "leading" ? standing.reign.state : standing.state;
}
