import { isFinal, type WorkloadRecord } from "@berth/scheduler/state";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";

/**
 * [INV10] What still separates the cluster from its desired state, in words; empty when nothing
 * does. Waiting for room, for a backoff or for an update is settled; waiting for nothing is not.
 */
export function unsettled(cluster: SimulatedCluster): string[] {
  const { state } = cluster.reference;
  const missing: string[] = [];
  if (!cluster.schedulers.some(({ isLeading }) => isLeading)) missing.push("nobody leads");
  if (cluster.operator.pending > 0) missing.push(`${cluster.operator.pending} requests under way`);
  for (const node of cluster.nodes) {
    const { name } = node.description;
    const record = state.nodes.get(node.id);
    if (record?.status !== "ready") missing.push(`${name} is ${record?.status ?? "unknown"}`);
    const running = new Set(node.runningIds());
    for (const id of record?.desired ?? []) {
      if (!running.has(id)) missing.push(`${name} does not run ${id}`);
      if (state.allocations.get(id)?.status === "placed") missing.push(`${id} is not confirmed`);
    }
    for (const id of running) {
      if (!record?.desired.has(id)) missing.push(`${name} still runs ${id}`);
    }
    for (const id of record?.live ?? []) {
      if (!record?.desired.has(id)) missing.push(`${id} has not ended`);
    }
  }
  for (const workload of state.workloads.values()) {
    if (workload.removing) missing.push(`${workload.id} is being removed`);
    for (const { explanation } of workload.pending) {
      const { reason } = explanation;
      // An update may wait for an index that has no room: that is settled, too.
      const isBlockedUpdate = reason === "update" && waitsForRoom(workload);
      if (
        reason === "queued" ||
        reason === "predecessor" ||
        (reason === "update" && !isBlockedUpdate)
      ) {
        missing.push(`${workload.id} waits: ${reason}`);
      }
    }
  }
  for (const allocation of state.allocations.values()) {
    if (!isFinal(allocation.status) && !state.nodes.has(allocation.nodeId)) {
      missing.push(`${allocation.id} lives on no node`);
    }
  }
  return missing;
}

function waitsForRoom(workload: WorkloadRecord): boolean {
  return workload.pending.some(
    ({ explanation: { reason } }) => reason === "no_fit" || reason === "backoff",
  );
}
