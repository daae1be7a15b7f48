import {
  type AllocationId,
  type AllocationView,
  allocationNumber,
  type FeedDelta,
  type FeedLimits,
  type FeedSnapshot,
  feedLimits,
} from "@berth/protocol";
import {
  allocationView,
  type Changes,
  clusterStatus,
  eventsAfter,
  isFinal,
  nodeView,
  workloadView,
} from "@berth/scheduler/state";
import type { Fold } from "../replica.ts";

/**
 * What pages see of one fold: as a whole, or as what changed. Of ended allocations only the newest
 * `finishedAllocationsMax` are in it, in the order in which they ended here, so that a page which
 * folds every delta holds exactly what a fresh snapshot would say.
 */
export class FeedProjection {
  readonly #fold: Fold;
  readonly #limits: FeedLimits;
  /** In the order of their end; the first one makes room. */
  readonly #finished = new Set<AllocationId>();
  #seq: number;

  constructor(fold: Fold, limits: FeedLimits = feedLimits) {
    this.#fold = fold;
    this.#limits = limits;
    this.#seq = fold.state.seq;
    const finished = [...fold.state.allocations.values()].filter(({ status }) => isFinal(status));
    finished.sort((a, b) => a.number - b.number);
    for (const { id } of finished.slice(-limits.finishedAllocationsMax)) this.#finished.add(id);
  }

  get epoch(): string {
    return this.#fold.epoch;
  }

  /** The position that snapshot and deltas have reached; the fold may be ahead of it. */
  get seq(): number {
    return this.#seq;
  }

  /** Everything. Take it only when no change is waiting to become a delta. */
  snapshot(): FeedSnapshot {
    const { epoch, state } = this.#fold;
    const live = [...state.allocations.values()].filter(({ status }) => !isFinal(status));
    const finished = [...this.#finished].flatMap((id) => state.allocations.get(id) ?? []);
    return {
      type: "snapshot",
      epoch,
      seq: this.#seq,
      atUnixMs: state.atUnixMs,
      cluster: clusterStatus(state),
      nodes: [...state.nodes.values()].map(nodeView),
      workloads: [...state.workloads.values()].map(workloadView),
      allocations: [...finished, ...live].map(allocationView).sort(byNumber),
      events: eventsAfter(state.events, 0).slice(-this.#limits.eventsMax),
    };
  }

  /** What the changes, all there are since the last call, made of the state. */
  delta(changes: readonly Changes[]): FeedDelta {
    const { epoch, state } = this.#fold;
    const previousSeq = this.#seq;
    this.#seq = state.seq;
    const nodes = present(touched(changes, "nodes", "removedNodes"), state.nodes);
    const workloads = present(touched(changes, "workloads", "removedWorkloads"), state.workloads);
    const allocations = present(
      touched(changes, "allocations", "removedAllocations"),
      state.allocations,
    );
    for (const id of allocations.gone) this.#finished.delete(id);
    for (const { id, status } of allocations.there) {
      if (isFinal(status)) this.#finished.add(id);
    }
    const evicted = this.#evict();
    return {
      type: "delta",
      epoch,
      previousSeq,
      seq: state.seq,
      atUnixMs: state.atUnixMs,
      cluster: clusterStatus(state),
      nodes: nodes.there.map(nodeView),
      workloads: workloads.there.map(workloadView),
      allocations: allocations.there.filter(({ id }) => !evicted.has(id)).map(allocationView),
      removed: {
        nodes: nodes.gone,
        workloads: workloads.gone,
        allocations: [...allocations.gone, ...evicted],
      },
      events: eventsAfter(state.events, previousSeq).slice(-this.#limits.eventsMax),
    };
  }

  #evict(): Set<AllocationId> {
    const evicted = new Set<AllocationId>();
    for (const id of this.#finished) {
      if (this.#finished.size <= this.#limits.finishedAllocationsMax) break;
      this.#finished.delete(id);
      evicted.add(id);
    }
    return evicted;
  }
}

type IdSet = "nodes" | "workloads" | "allocations";

function touched<
  K extends IdSet,
  R extends "removedNodes" | "removedWorkloads" | "removedAllocations",
>(
  changes: readonly Changes[],
  changed: K,
  removed: R,
): Set<Element<Changes[K]> | Element<Changes[R]>> {
  const ids = new Set<Element<Changes[K]> | Element<Changes[R]>>();
  for (const change of changes) {
    for (const id of change[changed]) ids.add(id as Element<Changes[K]>);
    for (const id of change[removed]) ids.add(id as Element<Changes[R]>);
  }
  return ids;
}

type Element<S> = S extends Set<infer T> ? T : never;

/** Removed and made again within one delta counts as there: what it is now is all that matters. */
function present<I, T>(
  ids: Set<I>,
  records: { get(id: I): T | undefined },
): { there: T[]; gone: I[] } {
  const there: T[] = [];
  const gone: I[] = [];
  for (const id of ids) {
    const record = records.get(id);
    if (record === undefined) gone.push(id);
    else there.push(record);
  }
  return { there, gone };
}

function byNumber(a: AllocationView, b: AllocationView): number {
  return allocationNumber(a.id) - allocationNumber(b.id);
}
