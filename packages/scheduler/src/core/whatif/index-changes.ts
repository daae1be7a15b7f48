import {
  type AllocationId,
  type ChangeCounts,
  type IndexChange,
  type PendingGroup,
  type WaitingWorkload,
  type WorkloadId,
} from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { hasIndex } from "../state/index-ranges.ts";
import type { SlotTable } from "../state/slot-table.ts";

/** Which allocation of each index lives and what waits, kept apart from a state that will change. */
export class Whereabouts {
  readonly #slots = new Map<WorkloadId, SlotTable>();
  readonly #pending = new Map<WorkloadId, readonly PendingGroup[]>();

  constructor({ workloads }: ClusterState) {
    for (const { id, slots, pending } of workloads.values()) {
      this.#slots.set(id, slots.copy());
      this.#pending.set(id, pending);
    }
  }

  liveOf(id: WorkloadId): Map<number, AllocationId> {
    return liveOf(this.#slots.get(id));
  }

  pendingOf(id: WorkloadId): readonly PendingGroup[] {
    return this.#pending.get(id) ?? [];
  }
}

function liveOf(slots: SlotTable | undefined): Map<number, AllocationId> {
  const ids = new Map<number, AllocationId>();
  for (const { index, live } of slots?.values() ?? []) if (live !== null) ids.set(index, live);
  return ids;
}

/** The worst first: what loses its place comes before what gets another one. */
const changeOrder = ["displaced", "moved", "restarted", "started", "ended"] as const;

/** What became of each index of these workloads since, the worst first. */
export function indexChanges(
  before: Whereabouts,
  state: ClusterState,
  among: Iterable<WorkloadId>,
): IndexChange[] {
  const changes: IndexChange[] = [];
  for (const id of among) {
    const workload = state.workloads.get(id);
    if (!workload) continue;
    const was = before.liveOf(id);
    const is = liveOf(workload.slots);
    for (const index of new Set([...was.keys(), ...is.keys()])) {
      const change = changeOf(state, workload, index, was.get(index), is.get(index));
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
  { allocations }: ClusterState,
  { id: workload, pending }: WorkloadRecord,
  index: number,
  was: AllocationId | undefined,
  is: AllocationId | undefined,
): IndexChange | null {
  if (was === is) return null;
  // A record lasts longer than its allocation: see `limits.finishedAllocationsPerIndexMax`.
  const from = was === undefined ? undefined : allocations.get(was);
  const to = is === undefined ? undefined : allocations.get(is);
  return {
    change: kind(),
    workload,
    index,
    allocation: was ?? null,
    from: from?.nodeName ?? null,
    to: to?.nodeName ?? null,
  };

  function kind(): IndexChange["change"] {
    if (was === undefined) return "started";
    if (to) return from?.nodeId === to.nodeId ? "restarted" : "moved";
    return pending.some(({ indexes }) => hasIndex(indexes, index)) ? "displaced" : "ended";
  }
}

export function countChanges(changes: readonly IndexChange[]): ChangeCounts {
  const counts = { moved: 0, restarted: 0, started: 0, ended: 0, displaced: 0 };
  for (const { change } of changes) counts[change] += 1;
  return counts;
}

/**
 * Workloads of which another number waits, or for another reason, and those that are `asked` about if
 * anything of them waits; those that lost most first.
 */
export function newlyWaiting(
  before: Whereabouts,
  state: ClusterState,
  among: Iterable<WorkloadId>,
  asked: ReadonlySet<WorkloadId>,
): WaitingWorkload[] {
  const found: WaitingWorkload[] = [];
  for (const id of among) {
    const pending = state.workloads.get(id)?.pending ?? [];
    const was = before.pendingOf(id);
    if (pending.length === 0) continue;
    if (gistOf(was) === gistOf(pending) && !asked.has(id)) continue;
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
