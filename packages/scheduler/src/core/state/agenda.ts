import type { NodeId, WorkloadId } from "@berth/protocol";
import type { ClusterState } from "./cluster-state.ts";
import { earliestRetryUnixMs, isBlocked } from "./pending-groups.ts";

/**
 * What the scheduler has yet to reconsider, kept by the fold as changes arrive. Evaluation takes
 * from `dirty` and `stale`; a replica that does not lead never reads it. After a replay it names
 * everything that ever changed, which costs one evaluation that finds nothing to do.
 */
export interface Agenda {
  /** Something may have to be placed or stopped. */
  readonly dirty: Set<WorkloadId>;
  /** Nothing can have become placeable, but the numbers in an explanation have moved. */
  readonly stale: Set<WorkloadId>;
  /** Workloads with an index that fits nowhere: any freed resource makes them dirty. */
  readonly blocked: Set<WorkloadId>;
  /** System workloads: any change of a node makes them dirty. */
  readonly systems: Set<WorkloadId>;
  /** When the earliest backoff of a workload ends. */
  readonly retries: Map<WorkloadId, number>;
  readonly draining: Set<NodeId>;
  /** What changes for finding places; null until a replica begins to. */
  placement: PlacementChanges | null;
}

/** Noted since placement last looked. */
export interface PlacementChanges {
  /** Nodes that came, changed or left, or that hold more or less. */
  readonly nodes: Set<NodeId>;
  /** Workloads that want more or fewer tasks, or others. */
  readonly demand: Set<WorkloadId>;
}

export function createAgenda(): Agenda {
  return {
    dirty: new Set(),
    stale: new Set(),
    blocked: new Set(),
    systems: new Set(),
    retries: new Map(),
    draining: new Set(),
    placement: null,
  };
}

/** The agenda of a state that was not folded here: everything is to be reconsidered once. */
export function rebuildAgenda({ agenda, workloads, nodes }: ClusterState): void {
  for (const { id, spec, pending } of workloads.values()) {
    agenda.dirty.add(id);
    if (spec.kind === "system") agenda.systems.add(id);
    if (isBlocked(pending)) agenda.blocked.add(id);
    const retryUnixMs = earliestRetryUnixMs(pending);
    if (retryUnixMs !== null) agenda.retries.set(id, retryUnixMs);
  }
  for (const { id, drain } of nodes.values()) if (drain) agenda.draining.add(id);
}

/** Room was made or a node changed: whatever fits nowhere may fit now. */
export function reconsiderBlocked(agenda: Agenda): void {
  for (const id of agenda.blocked) agenda.dirty.add(id);
}

/** Room was taken: explanations of what fits nowhere have moved. */
export function refreshBlocked(agenda: Agenda): void {
  for (const id of agenda.blocked) agenda.stale.add(id);
}

export function forgetWorkload(agenda: Agenda, id: WorkloadId): void {
  agenda.dirty.delete(id);
  agenda.stale.delete(id);
  agenda.blocked.delete(id);
  agenda.systems.delete(id);
  agenda.retries.delete(id);
}
