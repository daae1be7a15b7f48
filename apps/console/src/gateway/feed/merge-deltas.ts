import { type FeedDelta, type FeedLimits, feedLimits } from "@berth/protocol";

/** One delta that does what these do one after another. They must follow each other. */
export function mergeDeltas(
  deltas: readonly [FeedDelta, ...FeedDelta[]],
  { eventsMax }: Pick<FeedLimits, "eventsMax"> = feedLimits,
): FeedDelta {
  const [first] = deltas;
  const last = deltas.at(-1) ?? first;
  const nodes = mergeById(deltas.map((delta) => [delta.nodes, delta.removed.nodes]));
  const workloads = mergeById(deltas.map((delta) => [delta.workloads, delta.removed.workloads]));
  const allocations = mergeById(
    deltas.map((delta) => [delta.allocations, delta.removed.allocations]),
  );
  return {
    ...last,
    previousSeq: first.previousSeq,
    nodes: nodes.there,
    workloads: workloads.there,
    allocations: allocations.there,
    removed: {
      nodes: nodes.removed,
      workloads: workloads.removed,
      allocations: allocations.removed,
    },
    events: deltas.flatMap((delta) => delta.events).slice(-eventsMax),
  };
}

/** The last word on each id counts: a view, or that it is gone. */
function mergeById<I, T extends { readonly id: I }>(
  steps: readonly (readonly [views: readonly T[], removed: readonly I[]])[],
): { there: T[]; removed: I[] } {
  const there = new Map<I, T>();
  const removed = new Set<I>();
  for (const [views, gone] of steps) {
    for (const id of gone) {
      there.delete(id);
      removed.add(id);
    }
    for (const view of views) {
      there.set(view.id, view);
      removed.delete(view.id);
    }
  }
  return { there: [...there.values()], removed: [...removed] };
}
