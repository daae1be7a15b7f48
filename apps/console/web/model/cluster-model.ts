import type {
  AllocationId,
  AllocationView,
  ClusterStatus,
  EventView,
  FeedDelta,
  FeedSnapshot,
  NodeId,
  NodeView,
  WorkloadId,
  WorkloadView,
} from "@berth/protocol";

/** The cluster as this page holds it. Never changed in place: a delta makes a new one. */
export interface ClusterModel {
  readonly epoch: string;
  readonly seq: number;
  readonly atUnixMs: number;
  readonly cluster: ClusterStatus;
  readonly nodes: ReadonlyMap<NodeId, NodeView>;
  readonly workloads: ReadonlyMap<WorkloadId, WorkloadView>;
  readonly allocations: ReadonlyMap<AllocationId, AllocationView>;
  /** Oldest first. */
  readonly events: readonly EventView[];
}

export function modelFromSnapshot(snapshot: FeedSnapshot): ClusterModel {
  return {
    epoch: snapshot.epoch,
    seq: snapshot.seq,
    atUnixMs: snapshot.atUnixMs,
    cluster: snapshot.cluster,
    nodes: byId(snapshot.nodes),
    workloads: byId(snapshot.workloads),
    allocations: byId(snapshot.allocations),
    events: snapshot.events,
  };
}

/**
 * The model after a delta; null when the delta does not follow it (another epoch, or something in
 * between is missing), so that only a new snapshot helps.
 */
export function applyDelta(
  model: ClusterModel,
  delta: FeedDelta,
  eventsMax: number,
): ClusterModel | null {
  if (delta.epoch !== model.epoch || delta.previousSeq !== model.seq) return null;
  const { removed } = delta;
  return {
    epoch: model.epoch,
    seq: delta.seq,
    atUnixMs: delta.atUnixMs,
    cluster: delta.cluster,
    nodes: updated(model.nodes, delta.nodes, removed.nodes),
    workloads: updated(model.workloads, delta.workloads, removed.workloads),
    allocations: updated(model.allocations, delta.allocations, removed.allocations),
    events:
      delta.events.length === 0
        ? model.events
        : [...model.events, ...delta.events].slice(-eventsMax),
  };
}

function byId<I, T extends { readonly id: I }>(views: readonly T[]): ReadonlyMap<I, T> {
  return new Map(views.map((view) => [view.id, view]));
}

/** The same map where nothing changed, so that what depends on it is not drawn again. */
function updated<I, T extends { readonly id: I }>(
  before: ReadonlyMap<I, T>,
  views: readonly T[],
  removed: readonly I[],
): ReadonlyMap<I, T> {
  if (views.length === 0 && removed.length === 0) return before;
  const after = new Map(before);
  for (const id of removed) after.delete(id);
  for (const view of views) after.set(view.id, view);
  return after;
}
