import type { ApiParams, ApiReply, EventView } from "@berth/protocol";
import { findNode, fullWorkloadId } from "../select/find.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { eventsAfter } from "../state/event-ring.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";

/**
 * Remembered events after a position. A page never ends inside an entry, because `seq` is the
 * position to go on from: it may be longer than `limit` by the rest of one entry.
 */
export function listEvents(
  { state }: QueryContext,
  params: ApiParams<"event.list">,
): QueryResult<ApiReply<"event.list">> {
  const filter = filterOf(state, params);
  if (!filter.ok) return filter;
  const matching = eventsAfter(state.events, params.afterSeq).filter(filter.value);
  const events = params.newest
    ? matching.slice(-params.limit)
    : matching.slice(0, endOfEntry(matching, params.limit));
  const gap = !params.newest && state.events.droppedThroughSeq > params.afterSeq;
  return { ok: true, value: { seq: state.seq, gap, events } };
}

function endOfEntry(events: readonly EventView[], limit: number): number {
  let end = Math.min(limit, events.length);
  while (end < events.length && events[end]?.seq === events[end - 1]?.seq) end += 1;
  return end;
}

/** A removed workload still has events; a node must be known, because names are not in events. */
function filterOf(
  state: ClusterState,
  { workload, node }: ApiParams<"event.list">,
): QueryResult<(event: EventView) => boolean> {
  const workloadId = workload === null ? null : fullWorkloadId(workload);
  const found = node === null ? null : findNode(state, node);
  if (found && !found.ok) return found;
  const nodeId = found?.value.id ?? null;
  const matches = (event: EventView) =>
    (workloadId === null || event.workload === workloadId) &&
    (nodeId === null || event.node === nodeId);
  return { ok: true, value: matches };
}
