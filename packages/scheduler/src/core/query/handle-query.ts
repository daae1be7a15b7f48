import type { ApiMethod, ApiParams, ApiReply, api } from "@berth/protocol";
import { findAllocation, findNode, findWorkload } from "../select/find.ts";
import type { ClusterState } from "../state/cluster-state.ts";
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
import { workloadDetail } from "./workload-view.ts";

export type { QueryResult } from "./query-result.ts";

export type ReadMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "read" ? M : never;
}[ApiMethod];

const handlers: {
  [M in ReadMethod]: (context: QueryContext, params: ApiParams<M>) => QueryResult<ApiReply<M>>;
} = {
  "cluster.status": ({ state }) => ({ ok: true, value: clusterStatus(state) }),
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
