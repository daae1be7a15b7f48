import type { AgentHello, ClusterEvent } from "@berth/protocol";
import { canonicalText } from "../state/canonical-text.ts";
import type { AllocationRecord, ClusterState } from "../state/cluster-state.ts";
import { type Observed, observeReports } from "./observe-reports.ts";

/**
 * Decides what an agent's hello changes. A hello lists everything the agent has, so an allocation
 * that was seen running there and is not listed has ended unseen: it is lost. One merely placed
 * stays placed, because the agent has yet to pull it. A reboot follows the same rule.
 * A list that was cut short says nothing of what is not on it; the agent's reports will.
 */
export function registerNode(state: ClusterState, hello: AgentHello, nowUnixMs: number): Observed {
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
  for (const id of hello.complete ? (node?.live ?? []) : []) {
    const allocation = state.allocations.get(id);
    if (!allocation || allocation.status === "placed" || listed.has(id)) continue;
    events.push(vanished(allocation, nowUnixMs));
  }
  const observed = observeReports(state, hello.nodeId, hello.allocations, nowUnixMs);
  return { events: [...events, ...observed.events], unknown: observed.unknown };
}

function vanished(allocation: AllocationRecord, nowUnixMs: number): ClusterEvent {
  return {
    type: "AllocationFinished",
    allocationId: allocation.id,
    outcome: "lost",
    exit: { kind: "unknown", message: "the agent has no record of it" },
    startedAtUnixMs: allocation.startedAtUnixMs,
    finishedAtUnixMs: nowUnixMs,
    message: "the agent has no record of it",
  };
}
