import { type ApiParams, type ApiReply, splitWorkloadId } from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import { takePage } from "./page.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { workloadView } from "./workload-view.ts";

/** Workloads by id, of one project or of all. */
export function listWorkloads(
  { state, replyBytesMax }: QueryContext,
  { project, after, limit }: ApiParams<"workload.list">,
): QueryResult<ApiReply<"workload.list">> {
  const following = [...state.workloads.values()]
    .filter(
      ({ id }) =>
        (project === null || splitWorkloadId(id).project === project) &&
        (after === null || id > after),
    )
    .sort((a, b) => byCodeUnit(a.id, b.id));
  const { views, more } = takePage(following, { limit, bytesMax: replyBytesMax }, workloadView);
  const next = more ? (views.at(-1)?.id ?? null) : null;
  return { ok: true, value: { seq: state.seq, workloads: views, next } };
}
