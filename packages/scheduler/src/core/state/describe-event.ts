import {
  type AllocationId,
  type ClusterEvent,
  describeExit,
  describePendingGroup,
  type EventOf,
  type EventView,
  type NodeId,
  type PendingGroup,
  type StopReason,
  type WorkloadId,
} from "@berth/protocol";
import type { ClusterState } from "./cluster-state.ts";

type Described = Pick<EventView, "node" | "workload" | "allocation" | "message">;

/**
 * An event as one sentence, with the ids it is about, seen from the state it is about to change.
 * Null for what is of no interest to people.
 */
export function describeEvent(state: ClusterState, event: ClusterEvent): Described | null {
  switch (event.type) {
    case "LeaderStarted":
      return about({}, `${event.leader} leads in term ${event.term} with version ${event.version}`);
    case "NodeRegistered":
    case "NodeStatusChanged":
    case "NodeEligibilityChanged":
    case "NodeRemoved":
      return describeNodeEvent(state, event);
    case "WorkloadApplied":
    case "WorkloadStopped":
    case "WorkloadRemoved":
      return about({ workload: event.workloadId }, describeWorkloadEvent(state, event));
    case "WorkloadEvaluated": {
      const before = state.workloads.get(event.workloadId)?.pending ?? [];
      if (gistOf(before) === gistOf(event.pending)) return null;
      return about({ workload: event.workloadId }, describeWorkloadEvent(state, event));
    }
    case "AllocationPlaced": {
      const { nodeId: node, workloadId: workload, allocationId: allocation } = event;
      const fits = event.why.nodesFeasible;
      return about(
        { node, workload, allocation },
        `${allocation} of ${workload}[${event.index}] is placed on ${nameOf(state, node)}, ` +
          `the best of ${fits} that ${fits === 1 ? "fits" : "fit"}`,
      );
    }
    case "AllocationStopRequested":
    case "AllocationRunning":
    case "AllocationFinished":
      return describeAllocationEvent(state, event);
    case "ProjectConfigured":
      return about({}, `project ${event.project.name} is configured`);
    case "ProjectRemoved":
      return about({}, `project ${event.name} is as if nobody had configured it`);
    case "PoolConfigured":
      return about(
        {},
        `pool ${event.pool.name} grants ${event.pool.cpuOvercommitPercent}% of its cpu`,
      );
    case "ReservationMade": {
      const { id, nodes, project } = event.reservation;
      return about(
        {},
        `${id} reserves ${nodes === 1 ? "a node" : `${nodes} nodes`} for ${project}`,
      );
    }
    case "ReservationRemoved":
      return about({}, `${event.id} reserves nothing any more`);
    case "AllocationsForgotten":
    case "RequestAnswered":
      return null;
  }
}

type NodeEvent = EventOf<
  "NodeRegistered" | "NodeStatusChanged" | "NodeEligibilityChanged" | "NodeRemoved"
>;

function describeNodeEvent(state: ClusterState, event: NodeEvent): Described {
  if (event.type === "NodeRegistered") {
    const { nodeId, name } = event.node;
    const verb = state.nodes.has(nodeId) ? "describes itself anew" : "joins";
    return about({ node: nodeId }, `${name} ${verb}`);
  }
  return about({ node: event.nodeId }, `${nameOf(state, event.nodeId)} ${change(event)}`);

  function change(changed: Exclude<NodeEvent, EventOf<"NodeRegistered">>): string {
    switch (changed.type) {
      case "NodeStatusChanged":
        return `is ${changed.status}: ${changed.reason}`;
      case "NodeEligibilityChanged": {
        const what = changed.drain
          ? "drains"
          : changed.eligibility === "cordoned"
            ? "is cordoned"
            : "takes placements";
        return changed.reason === null ? what : `${what}: ${changed.reason}`;
      }
      case "NodeRemoved":
        return "is removed";
    }
  }
}

function describeWorkloadEvent(
  state: ClusterState,
  event: EventOf<"WorkloadApplied" | "WorkloadStopped" | "WorkloadRemoved" | "WorkloadEvaluated">,
): string {
  const id = event.workloadId;
  switch (event.type) {
    case "WorkloadApplied":
      return state.workloads.has(id)
        ? `${id} is updated to version ${event.version}`
        : `${id} is submitted`;
    case "WorkloadStopped":
      return event.remove ? `${id} is to be stopped and forgotten` : `${id} is to be stopped`;
    case "WorkloadRemoved":
      return `${id} is forgotten`;
    case "WorkloadEvaluated": {
      const [first, ...others] = event.pending;
      if (!first) return `${id} waits for nothing`;
      const more = others.length === 0 ? "" : `, and ${others.length} more reasons`;
      return `${id}: ${describePendingGroup(first)}${more}`;
    }
  }
}

/** What people want to hear about: who waits and for what, not by how many MiB right now. */
function gistOf(pending: readonly PendingGroup[]): string {
  const gists = pending.map(({ count, explanation }) => {
    const steps =
      explanation.reason === "no_fit" ? explanation.rejections.map(({ code }) => code) : [];
    return [count, explanation.reason, ...steps].join(" ");
  });
  return gists.join(", ");
}

const STOP_TEXT: Readonly<Record<StopReason, string>> = {
  "workload.stopped": "the workload is stopped",
  "workload.updated": "a newer version replaces it",
  "workload.scaled": "the count is lower now",
  "node.drained": "its node drains",
  "node.unmatched": "its node no longer meets the constraints",
  unhealthy: "it is unhealthy",
  "restart.requested": "a restart was requested",
  preempted: "more important work needs its room",
  reclaimed: "its room is guaranteed to another project",
  rebalanced: "it is to run on another node",
  gang: "its gang starts again together",
  "time.limit": "it has run as long as it may",
};

function describeAllocationEvent(
  state: ClusterState,
  event: EventOf<"AllocationStopRequested" | "AllocationRunning" | "AllocationFinished">,
): Described {
  const { allocationId: allocation } = event;
  const known = state.allocations.get(allocation);
  const node = known?.nodeId ?? null;
  const workload = known?.workloadId ?? null;
  const who = known ? `${allocation} of ${known.workloadId}[${known.index}]` : allocation;
  return about({ node, workload, allocation }, `${who} ${change()}`);

  function change(): string {
    switch (event.type) {
      case "AllocationStopRequested":
        return `is asked to stop: ${STOP_TEXT[event.reason]}`;
      case "AllocationRunning": {
        const where = known ? ` on ${known.nodeName}` : "";
        return event.health === "none" ? `runs${where}` : `runs${where}, ${event.health}`;
      }
      case "AllocationFinished":
        return finished(event);
    }
  }
}

function finished({ outcome, exit, message }: EventOf<"AllocationFinished">): string {
  const how = message ?? (exit ? describeExit(exit) : null);
  const what = {
    complete: "is complete",
    failed: "failed",
    stopped: "is stopped",
    lost: "is lost",
  }[outcome];
  return how === null ? what : `${what}: ${how}`;
}

function nameOf(state: ClusterState, id: NodeId): string {
  return state.nodes.get(id)?.description.name ?? id;
}

function about(
  ids: { node?: NodeId | null; workload?: WorkloadId | null; allocation?: AllocationId | null },
  message: string,
): Described {
  const { node = null, workload = null, allocation = null } = ids;
  return { node, workload, allocation, message };
}
