import type { AgentHello, AllocationId, ClusterEvent } from "@berth/protocol";
import { canonicalText } from "../state/canonical-text.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { observeReports } from "./observe-reports.ts";

export interface Registered {
  readonly events: ClusterEvent[];
  /** Seen running there and not listed: the agent is asked what became of them. */
  readonly unlisted: AllocationId[];
}

/**
 * Decides what an agent's hello changes. A hello lists everything the agent has, so an allocation
 * that was seen running there and is not listed has probably ended unseen. It is not given up for
 * that: a hello may arrive long after it was written, and what it could not list may run since. One
 * merely placed is not missed, because the agent has yet to pull it. A list that was cut short says
 * nothing of what is not on it; the agent's reports will.
 */
export function registerNode(
  state: ClusterState,
  hello: AgentHello,
  nowUnixMs: number,
): Registered {
  const { description } = hello;
  const node = state.nodes.get(hello.nodeId);
  const events: ClusterEvent[] = [];
  if (!node || canonicalText(node.description) !== canonicalText(description)) {
    events.push({ type: "NodeRegistered", node: description });
  }
  if (node && node.status !== "ready") {
    const reason = node.status === "down" ? "the agent is back" : "the agent said hello";
    events.push({ type: "NodeStatusChanged", nodeId: node.id, status: "ready", reason });
  }
  const listed = new Set(hello.allocations.map((report) => report.allocationId));
  const unlisted = [...(hello.complete ? (node?.live ?? []) : [])].filter(
    (id) => !listed.has(id) && state.allocations.get(id)?.status !== "placed",
  );
  const observed = observeReports(state, hello.nodeId, hello.allocations, nowUnixMs);
  return { events: [...events, ...observed.events], unlisted };
}
