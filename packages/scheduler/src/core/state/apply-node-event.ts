import { DEFAULT_POOL, type EventOf, type NodeDescription, type NodeId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { roomWasMade } from "./agenda.ts";
import { AllocationIds } from "./allocation-ids.ts";
import type { Place } from "./allocation-table.ts";
import type { Applying } from "./apply-entry.ts";
import type { ClusterState, NodeRecord } from "./cluster-state.ts";
import { DesiredSet } from "./desired-set.ts";
import { unused } from "./node-usage.ts";

export function applyNodeRegistered(applying: Applying, event: EventOf<"NodeRegistered">): void {
  const { state, atUnixMs } = applying;
  const description = event.node;
  const known = state.nodes.get(description.nodeId);
  if (known) {
    known.description = description;
    if (known.place.nodeName !== description.name) known.place = placeOf(description);
  } else {
    state.nodes.set(description.nodeId, newNode(state.nextNodeNumber, description, atUnixMs));
    state.nextNodeNumber += 1;
  }
  followPool(state, nodeOf(state, description.nodeId));
  nodeChanged(applying, description.nodeId);
}

/**
 * A node that was removed and joins again starts beyond every generation it had before, because its
 * agent refuses what looks older. Each registration has a number of its own, and so a range.
 */
const GENERATIONS_PER_REGISTRATION = 1_000_000_000;

/** A node that has just joined: ready, and holding nothing. */
export function newNode(
  number: number,
  description: NodeDescription,
  atUnixMs: number,
): NodeRecord {
  const live = new AllocationIds();
  const stopping = new AllocationIds();
  return {
    id: description.nodeId,
    number,
    description,
    place: placeOf(description),
    status: "ready",
    statusReason: "registered",
    statusSinceUnixMs: atUnixMs,
    eligibility: "eligible",
    eligibilityReason: null,
    drain: null,
    generation: (number - 1) * GENERATIONS_PER_REGISTRATION,
    cpuOvercommitPercent: NO_OVERCOMMIT_PERCENT,
    usage: unused(),
    live,
    stopping,
    desired: new DesiredSet(live, stopping),
  };
}

function placeOf({ nodeId, name }: NodeDescription): Place {
  return { nodeId, nodeName: name };
}

export function applyNodeStatusChanged(
  applying: Applying,
  event: EventOf<"NodeStatusChanged">,
): void {
  const node = nodeOf(applying.state, event.nodeId);
  node.status = event.status;
  node.statusReason = event.reason;
  node.statusSinceUnixMs = applying.atUnixMs;
  nodeChanged(applying, event.nodeId);
}

export function applyNodeEligibilityChanged(
  applying: Applying,
  event: EventOf<"NodeEligibilityChanged">,
): void {
  const node = nodeOf(applying.state, event.nodeId);
  assert(event.drain === null || event.eligibility === "cordoned", "a draining node is cordoned");
  node.eligibility = event.eligibility;
  node.eligibilityReason = event.reason;
  node.drain = event.drain;
  if (event.drain) applying.state.agenda.draining.add(node.id);
  else applying.state.agenda.draining.delete(node.id);
  nodeChanged(applying, event.nodeId);
}

export function applyNodeRemoved(applying: Applying, event: EventOf<"NodeRemoved">): void {
  const { state, changes } = applying;
  const node = nodeOf(state, event.nodeId);
  assert(node.live.size === 0, () => `node ${node.id} is removed with live allocations`);
  nodeChanged(applying, event.nodeId);
  state.nodes.delete(node.id);
  state.agenda.draining.delete(node.id);
  changes.nodes.delete(node.id);
  changes.desired.delete(node.id);
  changes.removedNodes.add(node.id);
}

export function nodeOf(state: ClusterState, id: NodeId): NodeRecord {
  const node = state.nodes.get(id);
  assert(node, () => `no node ${id}`);
  return node;
}

const NO_OVERCOMMIT_PERCENT = 100;

/** What the node's pool says of it. */
export function followPool({ pools }: ClusterState, node: NodeRecord): void {
  const pool = pools.get(node.description.pool ?? DEFAULT_POOL);
  node.cpuOvercommitPercent = pool?.cpuOvercommitPercent ?? NO_OVERCOMMIT_PERCENT;
}

/** Reconsiders whatever the node may now take, must now lose, or is explained by. */
export function nodeChanged({ state, changes }: Applying, id: NodeId): void {
  changes.nodes.add(id);
  const { agenda } = state;
  agenda.placement?.nodes.add(id);
  roomWasMade(agenda, id);
  for (const system of agenda.systems) agenda.dirty.add(system);
  reconsiderNode(state, nodeOf(state, id));
}

/** Every workload that has something on the node. */
export function reconsiderNode(state: ClusterState, node: NodeRecord): void {
  for (const id of node.live) {
    const allocation = state.allocations.get(id);
    if (allocation) state.agenda.dirty.add(allocation.workloadId);
  }
}
