import {
  describePending,
  describePendingGroup,
  type PendingGroup,
  splitWorkloadId,
  type WorkloadDetail,
  type WorkloadStatus,
  type WorkloadView,
} from "@berth/protocol";
import type { AllocationRecord, ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { allocationView } from "./allocation-view.ts";

export function workloadView(workload: WorkloadRecord): WorkloadView {
  const { spec, counts } = workload;
  const { project, name } = splitWorkloadId(workload.id);
  return {
    id: workload.id,
    project,
    name,
    kind: spec.kind,
    version: workload.version,
    status: statusOf(workload),
    desired: desiredIndexes(workload),
    running: counts.running,
    healthy: counts.healthy,
    pending: pendingIndexes(workload),
    complete: counts.complete,
    failed: spec.kind === "batch" ? counts.failed : waitingAfterFailure(workload),
    reason: reasonOf(workload),
    submittedAtUnixMs: workload.submittedAtUnixMs,
    updatedAtUnixMs: workload.updatedAtUnixMs,
  };
}

/** With its live allocations and what is remembered of the ended ones, by index. */
export function workloadDetail(state: ClusterState, workload: WorkloadRecord): WorkloadDetail {
  return {
    ...workloadView(workload),
    spec: workload.spec,
    pendingGroups: [...workload.pending],
    allocations: allocationsOf(state, workload).map(allocationView),
  };
}

/** Every remembered allocation of a workload: by index, newest first within an index. */
export function allocationsOf(state: ClusterState, workload: WorkloadRecord): AllocationRecord[] {
  return [...workload.slots.values()]
    .sort((a, b) => a.index - b.index)
    .flatMap((slot) => {
      const ids = slot.live === null ? slot.history : [...slot.history, slot.live];
      return ids.toReversed().flatMap((id) => state.allocations.get(id) ?? []);
    });
}

/** Indexes without a live allocation, or whose live one is on its way out. Updates that wait still run. */
export function pendingIndexes(workload: WorkloadRecord): number {
  return workload.pending.reduce(
    (sum, { count, explanation }) => (explanation.reason === "update" ? sum : sum + count),
    0,
  );
}

function desiredIndexes(workload: WorkloadRecord): number {
  const { spec, counts } = workload;
  if (workload.stopped) return 0;
  if (spec.kind !== "system") return spec.count;
  const leaving = groupsWith(workload, "predecessor");
  const waiting = pendingIndexes(workload) - leaving;
  return counts.placed + counts.running + leaving + waiting;
}

function statusOf(workload: WorkloadRecord): WorkloadStatus {
  const { spec, counts } = workload;
  const live = counts.placed + counts.running + counts.stopping;
  if (workload.stopped) return live > 0 ? "stopping" : "stopped";
  if (spec.kind === "batch") return batchStatus(workload, live);
  if (groupsWith(workload, "backoff") > 0) return "degraded";
  const desired = desiredIndexes(workload);
  if (counts.running === 0 && (desired > 0 || spec.kind === "system")) return "pending";
  const settled = counts.healthy === desired && workload.pending.length === 0;
  return settled && counts.stopping === 0 ? "running" : "progressing";
}

function batchStatus(workload: WorkloadRecord, live: number): WorkloadStatus {
  const { counts } = workload;
  if (live === 0 && workload.pending.length === 0) return counts.failed > 0 ? "failed" : "complete";
  if (counts.running === 0 && counts.complete === 0) return "pending";
  return pendingIndexes(workload) > 0 || counts.placed > 0 ? "progressing" : "running";
}

/** The worst first: given up, failing, fits nowhere, then what merely takes its time. */
function reasonOf(workload: WorkloadRecord): string | null {
  const { spec, counts, pending } = workload;
  if (counts.failed > 0) {
    const of = spec.kind === "system" ? "" : ` of ${spec.count}`;
    const lastFailure = [...workload.slots.values()].find((slot) => slot.done === "failed");
    return `${counts.failed}${of} given up, it ${lastFailure?.lastFailure ?? "failed"}`;
  }
  for (const reason of ["backoff", "no_fit", "predecessor", "update", "queued"] as const) {
    const group = pending.find(({ explanation }) => explanation.reason === reason);
    if (group) return describeGroup(workload, group);
  }
  const nothing =
    !workload.stopped && spec.kind === "system" && counts.placed + counts.running === 0;
  return nothing ? "no node meets its constraints" : null;
}

function describeGroup({ spec }: WorkloadRecord, group: PendingGroup): string {
  const single = spec.kind !== "system" && spec.count === 1;
  return single ? describePending(group.explanation) : describePendingGroup(group);
}

function waitingAfterFailure(workload: WorkloadRecord): number {
  return groupsWith(workload, "backoff");
}

function groupsWith(
  { pending }: WorkloadRecord,
  reason: PendingGroup["explanation"]["reason"],
): number {
  return pending.reduce(
    (sum, { count, explanation }) => (explanation.reason === reason ? sum + count : sum),
    0,
  );
}
