import { type ApiParams, limits, type Why } from "@berth/protocol";
import { findWorkload } from "../select/find.ts";
import { isFinal } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { allocationsOf, workloadView } from "./workload-view.ts";

/** Why its waiting indexes wait, and why its live allocations are where they are. */
export function explainWorkload(
  { state }: QueryContext,
  { workload: selector }: ApiParams<"workload.why">,
): QueryResult<Why> {
  const found = findWorkload(state, selector);
  if (!found.ok) return found;
  const workload = found.value;
  const live = allocationsOf(state, workload).filter(({ status }) => !isFinal(status));
  const value = {
    workload: workloadView(workload),
    nodesTotal: state.nodes.size,
    pending: [...workload.pending],
    placed: live.slice(0, limits.whyListedMax).map((allocation) => ({
      allocation: allocationView(allocation),
      why: state.explanations.get(allocation.id) ?? null,
    })),
  };
  return { ok: true, value };
}
