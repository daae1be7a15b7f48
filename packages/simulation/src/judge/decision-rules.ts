import { type ClusterEvent, dimensions, type EventOf } from "@berth/protocol";
import {
  type AllocationRecord,
  type ClusterState,
  isAvailable,
  isFinal,
  type NodeRecord,
  type WorkloadRecord,
} from "@berth/scheduler/state";
import { checkBudget, checkYielding } from "./yielding-rules.ts";
import { checkQuota } from "./quota-rules.ts";
import { demand, Violation } from "./violation.ts";

/** The constraints that simulated operators write. */
const RACK = /^node\.labels\.(\w+) == (\w+)$/;

/**
 * Whether a decision is one that the state before it allows: written from the documentation, with
 * none of the scheduler's own code, so that a mistake there does not excuse itself here.
 */
export function checkDecision(state: ClusterState, event: ClusterEvent): void {
  switch (event.type) {
    case "AllocationPlaced":
      return checkPlacement(state, event);
    case "AllocationStopRequested":
      return checkStop(state, event);
    case "NodeRemoved":
      return checkRemoval(state, event);
    default:
  }
}

/** [INV1] [INV2] A place that is open, has what was asked for, and whose last tenant has ended. */
function checkPlacement(state: ClusterState, event: EventOf<"AllocationPlaced">): void {
  const { allocationId: id, granted, index } = event;
  const node = state.nodes.get(event.nodeId);
  const workload = state.workloads.get(event.workloadId);
  if (!node || !workload) throw new Violation("RULE", `${id} is placed nowhere or for nothing`);
  const { name } = node.description;
  const isOpen = node.status === "ready" && node.eligibility === "eligible" && node.drain === null;
  demand(isOpen, "RULE", () => `${id} is placed on ${name}, which takes nothing`);
  demand(!workload.stopped, "RULE", () => `${id} is placed for a workload that is stopped`);
  const { spec } = workload;
  const isWanted = spec.kind === "system" ? index === node.number : index < spec.count;
  demand(isWanted, "RULE", () => `${id} has an index that nobody asked for: ${index}`);
  for (const source of spec.constraints) {
    const [, label = "", value] = RACK.exec(source) ?? [];
    const isMet = node.description.labels[label] === value;
    demand(isMet, "RULE", () => `${id} is placed on ${name} against '${source}'`);
  }
  checkGrant(state, node, workload, event);
  checkQuota(state, workload, event);
  const live = [...state.allocations.values()].find(
    (other) => other.workloadId === workload.id && other.index === index && !isFinal(other.status),
  );
  demand(!live, "INV2", () => `${id} is placed while ${live?.id} of the same index has not ended`);
  const { from, to } = node.description.portRange;
  const isInRange = Object.values(granted.ports).every((port) => from <= port && port <= to);
  demand(isInRange, "RULE", () => `${id} has a port that is not ${name}'s to give`);
}

function checkGrant(
  state: ClusterState,
  node: NodeRecord,
  { spec }: WorkloadRecord,
  { allocationId: id, granted }: EventOf<"AllocationPlaced">,
): void {
  const neighbours = [...state.allocations.values()].filter(
    (other) => other.nodeId === node.id && !isFinal(other.status),
  );
  const { capacity, reserved } = node.description;
  for (const dimension of dimensions) {
    const isAsked = granted[dimension] === spec.resources[dimension];
    demand(isAsked, "RULE", () => `${id} asked for another amount of ${dimension}`);
    const there = (capacity[dimension] ?? 0) - (reserved[dimension] ?? 0);
    const taken = neighbours.reduce((sum, other) => sum + other.granted[dimension], 0);
    const fits = granted[dimension] === 0 || taken + granted[dimension] <= there;
    demand(fits, "INV1", () => `${id} overgrants ${dimension} of ${node.description.name}`);
  }
  const takenPorts = new Set(neighbours.flatMap((other) => Object.values(other.granted.ports)));
  const takenGpus = new Set(neighbours.flatMap((other) => other.granted.gpuUuids));
  for (const port of Object.values(granted.ports)) {
    demand(!takenPorts.has(port), "INV1", () => `${id} is granted port ${port}, which is taken`);
  }
  for (const uuid of granted.gpuUuids) {
    demand(!takenGpus.has(uuid), "INV1", () => `${id} is granted ${uuid}, which is taken`);
  }
  const gpus = spec.resources.gpu?.count ?? 0;
  demand(granted.gpuUuids.length === gpus, "RULE", () => `${id} asked for ${gpus} GPUs`);
}

/** The reason that is given is true, and an update keeps its pace. */
function checkStop(state: ClusterState, event: EventOf<"AllocationStopRequested">): void {
  const { allocationId: id, reason } = event;
  const allocation = state.allocations.get(id);
  const workload = allocation && state.workloads.get(allocation.workloadId);
  if (!allocation || !workload) throw new Violation("RULE", `${id} is unknown and asked to stop`);
  const node = state.nodes.get(allocation.nodeId);
  demand(isTrue(reason, allocation, workload, node), "RULE", () => `${id} stops for no ${reason}`);
  if (reason === "rebalanced") checkBudget(state, workload, id);
  const isForced = (node?.drain?.deadlineAtUnixMs ?? null) !== null;
  const isPaced = ["workload.updated", "node.drained"].includes(reason);
  if (reason === "preempted" || reason === "reclaimed") checkYielding(state, workload, event);
  // A gang leaves as a whole.
  const isAlone = workload.spec.placement?.gang === undefined;
  if (workload.spec.kind !== "service" || !isAlone || !isPaced || isForced) return;
  if (!isAvailable(allocation)) return;
  const { maxUnavailable } = workload.spec.update;
  const unavailable = countUnavailable(state, workload, workload.spec.count);
  demand(
    unavailable < maxUnavailable,
    "RULE",
    () => `${id} is stopped with ${unavailable} of ${maxUnavailable} unavailable`,
  );
}

function isTrue(
  reason: EventOf<"AllocationStopRequested">["reason"],
  allocation: AllocationRecord,
  workload: WorkloadRecord,
  node: NodeRecord | undefined,
): boolean {
  switch (reason) {
    case "workload.stopped":
      return workload.stopped;
    case "workload.updated":
      return allocation.workloadVersion < workload.taskVersion;
    case "workload.scaled":
      return workload.spec.kind !== "system" && allocation.index >= workload.spec.count;
    case "node.drained":
      return node?.drain !== null;
    case "node.unmatched":
      return workload.spec.kind === "system";
    case "unhealthy":
      return allocation.health === "unhealthy";
    case "preempted":
      return workload.spec.placement?.preemptible !== false;
    case "rebalanced":
      return allocation.spec.placement?.movable === true;
    case "time.limit":
      return allocation.spec.placement?.timeLimitMs !== undefined;
    case "gang":
      return allocation.spec.placement?.gang !== undefined;
    case "reclaimed":
    case "restart.requested":
      return true;
  }
}

function countUnavailable(state: ClusterState, workload: WorkloadRecord, count: number): number {
  let unavailable = 0;
  for (let index = 0; index < count; index += 1) {
    const live = workload.slots.get(index)?.live;
    const allocation = live ? state.allocations.get(live) : undefined;
    if (!allocation || !isAvailable(allocation)) unavailable += 1;
  }
  return unavailable;
}

function checkRemoval(state: ClusterState, { nodeId }: EventOf<"NodeRemoved">): void {
  const node = state.nodes.get(nodeId);
  const isEmpty = node?.status === "down" && node.live.size === 0;
  demand(isEmpty, "RULE", () => `${nodeId} is removed and is not down and empty`);
}
