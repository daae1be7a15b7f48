import { type ClusterId, type ClusterStatus, dimensions } from "@berth/protocol";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { pendingIndexes } from "./workload-view.ts";

/**
 * The cluster in numbers. Capacity is that of the nodes that are not down; of the network only
 * what is known. `ready` says that a leader has started: whether appends are acknowledged right
 * now is for the leader's shell to know.
 */
export function clusterStatus(state: ClusterState): ClusterStatus {
  const nodes = [...state.nodes.values()];
  const up = nodes.filter((node) => node.status !== "down");
  const withStatus = (status: NodeRecord["status"]) =>
    nodes.filter((node) => node.status === status).length;
  return {
    clusterId: state.clusterId ?? ("" as ClusterId),
    version: state.version,
    ready: state.term > 0,
    leader: state.leader,
    term: state.term,
    seq: state.seq,
    nodes: {
      total: nodes.length,
      ready: withStatus("ready"),
      suspect: withStatus("suspect"),
      down: withStatus("down"),
      cordoned: nodes.filter((node) => node.eligibility === "cordoned").length,
    },
    workloads: state.workloads.size,
    allocations: allocationCounts(state),
    ...totals(up),
    gpus: {
      total: sum(up, (node) => node.description.hardware.gpus.length),
      granted: sum(up, (node) => node.usage.gpus.size),
    },
  };
}

function allocationCounts(state: ClusterState): ClusterStatus["allocations"] {
  const counts = { placed: 0, running: 0, stopping: 0, pending: 0, finished: 0 };
  for (const workload of state.workloads.values()) {
    counts.placed += workload.counts.placed;
    counts.running += workload.counts.running;
    counts.stopping += workload.counts.stopping;
    counts.pending += pendingIndexes(workload);
  }
  counts.finished = state.allocations.size - counts.placed - counts.running - counts.stopping;
  return counts;
}

function totals(nodes: readonly NodeRecord[]): Pick<ClusterStatus, "capacity" | "granted"> {
  const granted = { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0 };
  const capacity: ClusterStatus["capacity"] = { ...granted };
  for (const dimension of dimensions) {
    const known = nodes.filter((node) => node.description.capacity[dimension] !== null);
    granted[dimension] = sum(nodes, (node) => node.usage.granted[dimension]);
    capacity[dimension] = sum(known, (node) => node.description.capacity[dimension] ?? 0);
    if (dimension === "networkMbps" && known.length === 0) capacity.networkMbps = null;
  }
  return { capacity, granted };
}

function sum(nodes: readonly NodeRecord[], amount: (node: NodeRecord) => number): number {
  return nodes.reduce((total, node) => total + amount(node), 0);
}
