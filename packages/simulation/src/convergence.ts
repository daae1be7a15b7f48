import type { ClusterEvent, PendingGroup } from "@berth/protocol";
import { evaluate } from "@berth/scheduler/core";
import {
  type AllocationRecord,
  type ClusterState,
  isFinal,
  type WorkloadRecord,
} from "@berth/scheduler/state";
import { brokenGang, startTogether } from "./judge/gang-rules.ts";
import { excessOf } from "./judge/quota-rules.ts";
import type { SimulatedCluster } from "./world/simulated-cluster.ts";
import { START_UNIX_MS } from "./world/timeline.ts";

/** A backoff that ended this long ago should have been seen. */
const WAKE_TOLERANCE_MS = 2_000;

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
    const { name } = node;
    const record = state.nodes.get(node.id);
    if (record?.status !== "ready") missing.push(`${name} is ${record?.status ?? "unknown"}`);
    const running = new Set([...node.processes()].map(({ id }) => id));
    for (const id of record?.desired ?? []) {
      if (!running.has(id)) missing.push(`${name} does not run ${id}`);
      const { status, health } = state.allocations.get(id) ?? {};
      if (status === "placed") missing.push(`${id} is not confirmed`);
      const seen = node.healthOf(id);
      if (seen !== null && seen !== health) missing.push(`${id} is ${seen}, and called ${health}`);
    }
    for (const id of node.unfinishedIds()) {
      if (!record?.desired.has(id)) missing.push(`${name} still has ${id}`);
    }
    for (const id of record?.live ?? []) {
      if (!record?.desired.has(id)) missing.push(`${id} has not ended`);
    }
  }
  for (const workload of state.workloads.values()) {
    missing.push(...waitsForNothing(state, workload));
  }
  missing.push(...cluster.reference.owed.unpaid(state));
  for (const allocation of state.allocations.values()) {
    if (isFinal(allocation.status)) continue;
    if (!state.nodes.has(allocation.nodeId)) missing.push(`${allocation.id} lives on no node`);
    const why = unwanted(state, allocation);
    if (why !== null) missing.push(`${allocation.id} lives, and ${why}`);
  }
  return missing.length > 0 ? missing : undecided(cluster);
}

function waitsForNothing(state: ClusterState, workload: WorkloadRecord): string[] {
  const missing: string[] = [];
  const broken = brokenGang(workload);
  if (broken.length > 0) missing.push(`${workload.id} runs without [${broken.join()}]`);
  if (workload.removing) missing.push(`${workload.id} is being removed`);
  for (const { explanation } of workload.pending) {
    const { reason } = explanation;
    // An update may wait for an index that has no room: that is settled, too.
    const isBlockedUpdate = reason === "update" && waitsForRoom(workload);
    const isOverLimit =
      reason === "quota" && excessOf(state, workload.spec, startTogether(workload)) !== null;
    const isSettled = isPatient.has(reason) || isOverLimit || isBlockedUpdate;
    if (!isSettled) missing.push(`${workload.id} waits: ${reason}`);
  }
  return missing;
}

/** What may go on for ever: no room, none by right, or the next attempt comes later. */
const isPatient: ReadonlySet<string> = new Set(["no_fit", "behind", "gang", "backoff"]);

/** Why nobody can want an allocation to live; null when somebody may. */
function unwanted(
  { workloads, nodes }: ClusterState,
  { workloadId, workloadVersion, index, health, nodeId }: AllocationRecord,
): string | null {
  const workload = workloads.get(workloadId);
  if (!workload) return "its workload is gone";
  const { spec, stopped, taskVersion } = workload;
  if (stopped) return "its workload is stopped";
  if (spec.kind !== "system" && index >= spec.count) return "its workload was scaled down";
  if (health === "unhealthy") return "is unhealthy";
  const isMoving = spec.kind === "batch" || !waitsForRoom(workload);
  if (isMoving && workloadVersion < taskVersion) return "its workload has a newer task";
  const drain = nodes.get(nodeId)?.drain;
  if (spec.kind !== "system" && isMoving && drain) return "its node is drained";
  return null;
}

function waitsForRoom(workload: WorkloadRecord): boolean {
  return workload.pending.some(
    ({ explanation: { reason } }) => isPatient.has(reason) || reason === "quota",
  );
}

/**
 * What a scheduler that looks at everything afresh would still do. Reads the judge's own state, in
 * which everything that ever changed is on the agenda; decisions are taken and not applied.
 */
function undecided({ reference: { state }, timeline }: SimulatedCluster): string[] {
  for (const id of state.workloads.keys()) state.agenda.dirty.add(id);
  const nowUnixMs = START_UNIX_MS + timeline.nowMs - WAKE_TOLERANCE_MS;
  const { events } = evaluate(state, Math.floor(nowUnixMs));
  return events
    .filter((event) => !isOldAdvice(state, event))
    .map((event) => `overlooked: ${event.type} ${JSON.stringify(event).slice(0, 160)}`);
}

/** Which time limit would help now, only time has changed. */
function isOldAdvice({ workloads }: ClusterState, event: ClusterEvent): boolean {
  if (event.type !== "WorkloadEvaluated") return false;
  const before = workloads.get(event.workloadId)?.pending ?? [];
  return withoutAdvice(before) === withoutAdvice(event.pending);
}

function withoutAdvice(pending: readonly PendingGroup[]): string {
  return JSON.stringify(pending, (key, value: unknown) =>
    key === "timeLimitMsMax" ? null : value,
  );
}
