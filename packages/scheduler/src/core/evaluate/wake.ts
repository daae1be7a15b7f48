import { reconsiderNode } from "../state/apply-node-event.ts";
import { nextExplanationUnixMs, nextSearchUnixMs } from "./waiting-room.ts";
import { nextReservationTime } from "../queue/reservations.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

/**
 * When time alone next gives the scheduler something to do: a backoff, a drain's deadline or a time
 * limit ends, a reservation comes near, begins or ends, somebody to preempt is looked for again.
 */
export function nextWakeUnixMs(state: ClusterState): number | null {
  let next: number | null = null;
  for (const retryUnixMs of state.agenda.retries.values()) next = earlier(next, retryUnixMs);
  for (const node of drainingNodes(state))
    next = earlier(next, node.drain?.deadlineAtUnixMs ?? null);
  next = earlier(next, state.agenda.deadlines.nextUnixMs);
  next = earlier(next, nextExplanationUnixMs(state));
  next = earlier(next, nextSearchUnixMs(state));
  return earlier(next, nextReservationTime(state, state.agenda.servedUnixMs));
}

/** Puts on the agenda what time alone has made due. */
export function wakeDue(state: ClusterState, nowUnixMs: number): void {
  state.agenda.servedUnixMs = Math.max(state.agenda.servedUnixMs, nowUnixMs);
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
