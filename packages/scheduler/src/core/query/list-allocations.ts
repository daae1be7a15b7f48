import { allocationNumber, type ApiParams, type ApiReply } from "@berth/protocol";
import { findNode, findWorkload } from "../select/find.ts";
import { type AllocationRecord, isFinal } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";
import { takePage } from "./page.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { allocationsOf } from "./workload-view.ts";

/** Allocations of a workload, on a node, or all; oldest first. */
export function listAllocations(
  { state, replyBytesMax }: QueryContext,
  { workload, node, all, after, limit }: ApiParams<"allocation.list">,
): QueryResult<ApiReply<"allocation.list">> {
  const foundWorkload = workload === null ? null : findWorkload(state, workload);
  if (foundWorkload && !foundWorkload.ok) return foundWorkload;
  const foundNode = node === null ? null : findNode(state, node);
  if (foundNode && !foundNode.ok) return foundNode;
  const nodeId = foundNode?.value.id ?? null;
  const afterNumber = after === null ? 0 : allocationNumber(after);
  const records: Iterable<AllocationRecord> = foundWorkload
    ? allocationsOf(state, foundWorkload.value)
    : state.allocations.values();
  const following = [...records]
    .filter(
      (record) =>
        (nodeId === null || record.nodeId === nodeId) &&
        (all || !isFinal(record.status)) &&
        allocationNumber(record.id) > afterNumber,
    )
    .sort((a, b) => allocationNumber(a.id) - allocationNumber(b.id));
  const { views, more } = takePage(following, { limit, bytesMax: replyBytesMax }, allocationView);
  const next = more ? (views.at(-1)?.id ?? null) : null;
  return { ok: true, value: { seq: state.seq, allocations: views, next } };
}
