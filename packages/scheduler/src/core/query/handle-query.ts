import type { ApiMethod, ApiParams, ApiReply, api } from "@berth/protocol";
import { findAllocation, findNode, findWorkload } from "../select/find.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";
import { clusterStatus } from "./cluster-status.ts";
import { explainWorkload } from "./explain-workload.ts";
import { listAllocations } from "./list-allocations.ts";
import { listEvents } from "./list-events.ts";
import { nodeDetail, nodeView } from "./node-view.ts";
import { planWorkloads } from "./plan-workloads.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";
import { workloadDetail, workloadView } from "./workload-view.ts";

export type { QueryResult } from "./query-result.ts";

export type ReadMethod = {
  [M in ApiMethod]: (typeof api)[M]["kind"] extends "read" ? M : never;
}[ApiMethod];

const handlers: {
  [M in ReadMethod]: (context: QueryContext, params: ApiParams<M>) => QueryResult<ApiReply<M>>;
} = {
  "cluster.status": ({ state }) => ({ ok: true, value: clusterStatus(state) }),
  "workload.plan": planWorkloads,
  "workload.list": ({ state }, { project }) => {
    const workloads = [...state.workloads.values()]
      .map(workloadView)
      .filter((view) => project === null || view.project === project);
    return { ok: true, value: { seq: state.seq, workloads } };
  },
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
  "node.list": ({ state }) => {
    const nodes = [...state.nodes.values()].map(nodeView);
    return { ok: true, value: { seq: state.seq, nodes } };
  },
  "node.get": ({ state }, { node }) => {
    const found = findNode(state, node);
    return found.ok ? { ok: true, value: nodeDetail(state, found.value) } : found;
  },
  "event.list": listEvents,
};

/**
 * Answers a read from the state as it is. `params` are what the method's schema parsed. Waiting
 * (`waitMs` of `event.list`) is the shell's.
 */
export function handleQuery<M extends ReadMethod>(
  state: ClusterState,
  method: M,
  params: ApiParams<M>,
  at: { nowUnixMs: number },
): QueryResult<ApiReply<M>> {
  return handlers[method]({ state, nowUnixMs: at.nowUnixMs }, params);
}
