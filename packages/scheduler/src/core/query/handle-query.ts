import type { ApiMethod, ApiParams, ApiReply, api } from "@berth/protocol";
import { planRebalance } from "../rebalance/plan-rebalance.ts";
import { findAllocation, findNode, findWorkload } from "../select/find.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { whatIf } from "../whatif/what-if.ts";
import { allocationView } from "./allocation-view.ts";
import { clusterStatus } from "./cluster-status.ts";
import { explainWorkload } from "./explain-workload.ts";
import { listAllocations } from "./list-allocations.ts";
import { listEvents } from "./list-events.ts";
import { listNodes } from "./list-nodes.ts";
import { listPools, listProjects, listReservations } from "./list-policies.ts";
import { listQueue } from "./list-queue.ts";
import { listWorkloads } from "./list-workloads.ts";
import { nodeDetail } from "./node-view.ts";
import { planWorkloads } from "./plan-workloads.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { withoutBreak } from "./without-break.ts";
import { workloadDetail } from "./workload-view.ts";

export type { QueryResult } from "./query-result.ts";

export type ReadMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "read" ? M : never;
}[ApiMethod];

const handlers: {
  [M in ReadMethod]: (context: QueryContext, params: ApiParams<M>) => QueryResult<ApiReply<M>>;
} = {
  "cluster.status": ({ state }) => ({ ok: true, value: clusterStatus(state) }),
  "cluster.whatif": (context, params) => withoutBreak(whatIf(context, params)),
  "cluster.rebalance": (context, params) => withoutBreak(planRebalance(context, params)),
  "workload.plan": planWorkloads,
  "workload.list": listWorkloads,
  "workload.get": ({ state }, { workload }) => {
    const found = findWorkload(state, workload);
    return found.ok ? { ok: true, value: workloadDetail(state, found.value) } : found;
  },
  "workload.why": explainWorkload,
  "allocation.list": listAllocations,
  "allocation.get": ({ state }, { allocation }) => {
    const found = findAllocation(state, allocation);
    return found.ok ? { ok: true, value: allocationView(found.value) } : found;
  },
  "node.list": listNodes,
  "node.get": ({ state }, { node }) => {
    const found = findNode(state, node);
    return found.ok ? { ok: true, value: nodeDetail(state, found.value) } : found;
  },
  "event.list": listEvents,
  "project.list": listProjects,
  "pool.list": listPools,
  "reservation.list": listReservations,
  "queue.list": listQueue,
};

/** Reads that take so long that nobody may wait for them: they are done in parts. */
export type LongMethod = "cluster.whatif" | "cluster.rebalance";

const longHandlers: {
  [M in LongMethod]: (
    context: QueryContext,
    params: ApiParams<M>,
  ) => Generator<void, QueryResult<ApiReply<M>>>;
} = { "cluster.whatif": whatIf, "cluster.rebalance": planRebalance };

export function isLong(method: ReadMethod): method is LongMethod {
  return Object.hasOwn(longHandlers, method);
}

/**
 * Answers a read in parts: each `next` does one, and the last brings the answer. The state as it was
 * at the first is what it answers from, whatever is applied to it since.
 */
export function handleLongQuery<M extends LongMethod>(
  state: ClusterState,
  method: M,
  params: ApiParams<M>,
  { nowUnixMs, replyBytesMax = null }: { nowUnixMs: number; replyBytesMax?: number | null },
): Generator<void, QueryResult<ApiReply<M>>> {
  return longHandlers[method]({ state, nowUnixMs, replyBytesMax }, params);
}

/**
 * Answers a read from the state as it is. `params` are what the method's schema parsed. Waiting
 * (`waitMs` of `event.list`) is the shell's. Listings end a page at `replyBytesMax`.
 */
export function handleQuery<M extends ReadMethod>(
  state: ClusterState,
  method: M,
  params: ApiParams<M>,
  { nowUnixMs, replyBytesMax = null }: { nowUnixMs: number; replyBytesMax?: number | null },
): QueryResult<ApiReply<M>> {
  return handlers[method]({ state, nowUnixMs, replyBytesMax }, params);
}
