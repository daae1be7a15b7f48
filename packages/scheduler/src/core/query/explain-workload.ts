import { type ApiParams, limits, type Why } from "@berth/protocol";
import { explainFreeing, type FreeingContext } from "../explain/freed-by.ts";
import { placementRequest } from "../place/placement-request.ts";
import { liveNodesOf, LiveSurroundings } from "../place/surroundings.ts";
import { findWorkload } from "../select/find.ts";
import { isFinal } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { allocationsOf, workloadView } from "./workload-view.ts";

/**
 * Why its waiting indexes wait, and why its live allocations are where they are: the reasons of the
 * decisions themselves, and what would have to end now for the nearest nodes to fit.
 */
export function explainWorkload(
  { state, nowUnixMs }: QueryContext,
  { workload: selector }: ApiParams<"workload.why">,
): QueryResult<Why> {
  const found = findWorkload(state, selector);
  if (!found.ok) return found;
  const workload = found.value;
  const live = allocationsOf(state, workload).filter(({ status }) => !isFinal(status));
  const request = placementRequest(workload.spec);
  const context: FreeingContext = {
    state,
    nowUnixMs,
    request,
    surroundings: new LiveSurroundings(state, request, liveNodesOf(state, workload)),
    usageOf: ({ usage }) => usage,
  };
  const value = {
    workload: workloadView(workload),
    nodesTotal: state.nodes.size,
    pending: workload.pending.map((group) => ({
      ...group,
      explanation: explainFreeing(group.explanation, context),
    })),
    placed: live.slice(0, limits.whyListedMax).map((allocation) => ({
      allocation: allocationView(allocation),
      why: state.explanations.get(allocation.id) ?? null,
    })),
  };
  return { ok: true, value };
}
