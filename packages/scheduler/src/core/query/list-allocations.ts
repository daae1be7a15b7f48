import { type ApiParams, type ApiReply, limits } from "@berth/protocol";
import { findNode, findWorkload } from "../select/find.ts";
import { type AllocationRecord, isFinal } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { allocationsOf } from "./workload-view.ts";

/** Allocations of a workload, on a node, or all; the newest ones when there are too many. */
export function listAllocations(
  { state }: QueryContext,
  { workload, node, all }: ApiParams<"allocation.list">,
): QueryResult<ApiReply<"allocation.list">> {
  const foundWorkload = workload === null ? null : findWorkload(state, workload);
  if (foundWorkload && !foundWorkload.ok) return foundWorkload;
  const foundNode = node === null ? null : findNode(state, node);
  if (foundNode && !foundNode.ok) return foundNode;
  const nodeId = foundNode?.value.id ?? null;
  const records: Iterable<AllocationRecord> = foundWorkload
    ? allocationsOf(state, foundWorkload.value)
    : state.allocations.values();
  const allocations = [...records]
    .filter(
      (record) => (nodeId === null || record.nodeId === nodeId) && (all || !isFinal(record.status)),
    )
    .slice(-limits.listPageMax)
    .map(allocationView);
  return { ok: true, value: { seq: state.seq, allocations } };
}
