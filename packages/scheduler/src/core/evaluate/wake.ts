import { reconsiderNode } from "../state/apply-node-event.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

/** When time alone next gives the scheduler something to do: a backoff or a drain deadline ends. */
export function nextWakeUnixMs(state: ClusterState): number | null {
  let next: number | null = null;
  for (const retryUnixMs of state.agenda.retries.values()) next = earlier(next, retryUnixMs);
  for (const node of drainingNodes(state))
    next = earlier(next, node.drain?.deadlineAtUnixMs ?? null);
  return next;
}

/** Puts on the agenda what time alone has made due. */
export function wakeDue(state: ClusterState, nowUnixMs: number): void {
  for (const [id, retryUnixMs] of state.agenda.retries) {
    if (retryUnixMs <= nowUnixMs) state.agenda.dirty.add(id);
  }
  for (const node of drainingNodes(state)) {
    const deadlineUnixMs = node.drain?.deadlineAtUnixMs ?? null;
    if (deadlineUnixMs !== null && deadlineUnixMs <= nowUnixMs) reconsiderNode(state, node);
  }
}

/** Draining nodes on which a deadline still has something to force. */
function* drainingNodes(state: ClusterState): Generator<NodeRecord> {
  for (const id of state.agenda.draining) {
    const node = state.nodes.get(id);
    if (node && hasForceable(state, node)) yield node;
  }
}

function hasForceable(state: ClusterState, node: NodeRecord): boolean {
  for (const id of node.desired) {
    const allocation = state.allocations.get(id);
    const stays = allocation?.spec.kind === "system" && node.drain?.ignoreSystem === true;
    if (allocation?.status === "running" && !stays) return true;
  }
  return false;
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
