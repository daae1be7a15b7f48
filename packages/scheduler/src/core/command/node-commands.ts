import type { ApiParams, Drain, EventOf } from "@berth/protocol";
import { nodeView } from "../query/node-view.ts";
import { findNode } from "../select/find.ts";
import { refuse } from "../select/refusal.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { type CommandContext, type Decision, decide } from "./decision.ts";

/** No new placements; what runs there stays. A node that drains goes on draining. */
export function cordonNode(
  { state }: CommandContext,
  { node: selector, reason }: ApiParams<"node.cordon">,
): Decision {
  const found = findNode(state, selector);
  if (!found.ok) return found;
  const node = found.value;
  if (node.eligibility === "cordoned") return decide([], { node: nodeView(node) });
  return changeEligibility(node, "cordoned", null, reason);
}

/** Takes placements again, and stops draining. */
export function uncordonNode(
  { state }: CommandContext,
  { node: selector }: ApiParams<"node.uncordon">,
): Decision {
  const found = findNode(state, selector);
  if (!found.ok) return found;
  const node = found.value;
  if (node.eligibility === "eligible") return decide([], { node: nodeView(node) });
  return changeEligibility(node, "eligible", null, null);
}

/** Cordons, and moves what runs there. Draining again replaces the deadline. */
export function drainNode(
  { state, nowUnixMs }: CommandContext,
  { node: selector, deadlineMs, ignoreSystem, reason }: ApiParams<"node.drain">,
): Decision {
  const found = findNode(state, selector);
  if (!found.ok) return found;
  const drain: Drain = {
    startedAtUnixMs: found.value.drain?.startedAtUnixMs ?? nowUnixMs,
    deadlineAtUnixMs: deadlineMs === null ? null : nowUnixMs + deadlineMs,
    ignoreSystem,
  };
  return changeEligibility(found.value, "cordoned", drain, reason);
}

/** Forgets a node that is gone for good. */
export function removeNode(
  { state }: CommandContext,
  { node: selector }: ApiParams<"node.remove">,
): Decision {
  const found = findNode(state, selector);
  if (!found.ok) return found;
  const { id, status, live, description } = found.value;
  if (status !== "down" || live.size > 0) {
    return refuse(
      "conflict",
      `node ${description.name} is ${status} with ${live.size} allocations`,
      {
        hint: "drain it, stop its agent, and remove it once it is down",
        details: { status, allocations: live.size },
      },
    );
  }
  return decide([{ type: "NodeRemoved", nodeId: id }], { node: id });
}

function changeEligibility(
  node: NodeRecord,
  eligibility: NodeRecord["eligibility"],
  drain: Drain | null,
  reason: string | null,
): Decision {
  const event: EventOf<"NodeEligibilityChanged"> = {
    type: "NodeEligibilityChanged",
    nodeId: node.id,
    eligibility,
    drain,
    reason,
  };
  // The answer is kept in the log with the event, so it tells the node as the event leaves it.
  return decide([event], { node: { ...nodeView(node), eligibility, drain } });
}
