import {
  type AllocationId,
  type ChangeCounts,
  type IndexChange,
  type NodeId,
  type PendingGroup,
  type WaitingWorkload,
  type WorkloadId,
} from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { hasIndex } from "../state/index-ranges.ts";

/** Where an index lives. */
interface Lodging {
  readonly id: AllocationId;
  readonly nodeId: NodeId;
  readonly nodeName: string;
}

/** Where everything lives and what waits, kept apart from a state that will change. */
export class Whereabouts {
  readonly #lodgings = new Map<WorkloadId, ReadonlyMap<number, Lodging>>();
  readonly #pending = new Map<WorkloadId, readonly PendingGroup[]>();

  constructor(state: ClusterState) {
    for (const workload of state.workloads.values()) {
      this.#lodgings.set(workload.id, lodgingsOf(state, workload));
      this.#pending.set(workload.id, workload.pending);
    }
  }

  lodgingsOf(id: WorkloadId): ReadonlyMap<number, Lodging> {
    return this.#lodgings.get(id) ?? new Map();
  }

  pendingOf(id: WorkloadId): readonly PendingGroup[] {
    return this.#pending.get(id) ?? [];
  }
}

function lodgingsOf(
  { allocations }: ClusterState,
  { slots }: WorkloadRecord,
): Map<number, Lodging> {
  const lodgings = new Map<number, Lodging>();
  for (const { index, live } of slots.values()) {
    const allocation = live === null ? undefined : allocations.get(live);
    if (!allocation) continue;
    const { id, place } = allocation;
    lodgings.set(index, { id, ...place });
  }
  return lodgings;
}

/** The worst first: what loses its place comes before what gets another one. */
const changeOrder = ["displaced", "moved", "restarted", "started", "ended"] as const;

/** What became of each index since, the worst first. */
export function indexChanges(before: Whereabouts, state: ClusterState): IndexChange[] {
  const changes: IndexChange[] = [];
  for (const workload of state.workloads.values()) {
    const was = before.lodgingsOf(workload.id);
    const is = lodgingsOf(state, workload);
    for (const index of new Set([...was.keys(), ...is.keys()])) {
      const change = changeOf(workload, index, was.get(index), is.get(index));
      if (change) changes.push(change);
    }
  }
  return changes.sort(
    (a, b) =>
      changeOrder.indexOf(a.change) - changeOrder.indexOf(b.change) ||
      byCodeUnit(a.workload, b.workload) ||
      a.index - b.index,
  );
}

function changeOf(
  { id: workload, pending }: WorkloadRecord,
  index: number,
  was: Lodging | undefined,
  is: Lodging | undefined,
): IndexChange | null {
  if (was?.id === is?.id) return null;
  const from = was?.nodeName ?? null;
  const to = is?.nodeName ?? null;
  const allocation = was?.id ?? null;
  return { change: kind(), workload, index, allocation, from, to };

  function kind(): IndexChange["change"] {
    if (!was) return "started";
    if (is) return was.nodeId === is.nodeId ? "restarted" : "moved";
    return pending.some(({ indexes }) => hasIndex(indexes, index)) ? "displaced" : "ended";
  }
}

export function countChanges(changes: readonly IndexChange[]): ChangeCounts {
  const counts = { moved: 0, restarted: 0, started: 0, ended: 0, displaced: 0 };
  for (const { change } of changes) counts[change] += 1;
  return counts;
}

/** Workloads of which another number waits, or for another reason; those that lost most first. */
export function newlyWaiting(before: Whereabouts, state: ClusterState): WaitingWorkload[] {
  const found: WaitingWorkload[] = [];
  for (const { id, pending } of state.workloads.values()) {
    const was = before.pendingOf(id);
    if (pending.length === 0 || gistOf(was) === gistOf(pending)) continue;
    found.push({
      workload: id,
      before: countOf(was),
      waiting: countOf(pending),
      groups: [...pending],
    });
  }
  return found.sort(
    (a, b) => b.waiting - b.before - (a.waiting - a.before) || byCodeUnit(a.workload, b.workload),
  );
}

function gistOf(groups: readonly PendingGroup[]): string {
  return groups.map(({ count, explanation }) => `${count} ${explanation.reason}`).join();
}

function countOf(groups: readonly PendingGroup[]): number {
  return groups.reduce((sum, { count }) => sum + count, 0);
}
