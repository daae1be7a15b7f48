import type { AllocationId, WorkloadSpec } from "@berth/protocol";
import { BestFirst } from "../place/best-first.ts";
import type { AllocationRecord } from "./allocation-table.ts";
import type { ClusterState, WorkloadRecord } from "./cluster-state.ts";

/**
 * When an allocation has run as long as it may; null without a time limit. It counts from the
 * placement: what is promised to those who wait then holds whatever a start takes.
 */
export function deadlineUnixMs({ placement }: WorkloadSpec, placedAtUnixMs: number): number | null {
  const timeLimitMs = placement?.timeLimitMs;
  return timeLimitMs === undefined ? null : placedAtUnixMs + timeLimitMs;
}

/** The same for a live allocation: a limit that is changed holds for what runs already. */
export function deadlineOf(
  { workloads }: ClusterState,
  { workloadId, workloadVersion, spec, placedAtUnixMs }: AllocationRecord,
): number | null {
  const workload = workloads.get(workloadId);
  const isCurrent = workload !== undefined && workloadVersion >= workload.taskVersion;
  return deadlineUnixMs(isCurrent ? workload.spec : spec, placedAtUnixMs);
}

/** The time limit of a workload was changed: its running allocations have other deadlines. */
export function changeDeadlines(state: ClusterState, workload: WorkloadRecord): void {
  state.agenda.timeLimitChanges += 1;
  for (const { live } of workload.slots.values()) {
    const allocation = live === null ? undefined : state.allocations.get(live);
    if (allocation) setDeadline(state, allocation);
  }
}

/** Remembers when an allocation has to be stopped; only one that runs can be. */
export function setDeadline(state: ClusterState, allocation: AllocationRecord): void {
  const { deadlines } = state.agenda;
  const deadline = allocation.status === "running" ? deadlineOf(state, allocation) : null;
  if (deadline === null) deadlines.delete(allocation.id);
  else deadlines.add(allocation.id, deadline);
}

interface Deadline {
  readonly id: AllocationId;
  readonly atUnixMs: number;
}

/** Entries of allocations that have ended meanwhile are dropped once there are more than these. */
const OUTDATED_MAX = 1_000;

/** Running allocations with a time limit, by when it ends. */
export class Deadlines {
  readonly #atUnixMs = new Map<AllocationId, number>();
  #heap = new BestFirst<Deadline>(isEarlier);

  add(id: AllocationId, atUnixMs: number): void {
    if (this.#atUnixMs.get(id) === atUnixMs) return;
    this.#atUnixMs.set(id, atUnixMs);
    this.#heap.push({ id, atUnixMs });
  }

  delete(id: AllocationId): void {
    if (!this.#atUnixMs.delete(id)) return;
    if (this.#heap.size <= 2 * this.#atUnixMs.size + OUTDATED_MAX) return;
    this.#heap = new BestFirst<Deadline>(isEarlier);
    for (const [other, atUnixMs] of this.#atUnixMs) this.#heap.push({ id: other, atUnixMs });
  }

  /** The earliest; null when there is none. */
  get nextUnixMs(): number | null {
    for (;;) {
      const { top } = this.#heap;
      if (!top) return null;
      if (this.#atUnixMs.get(top.id) === top.atUnixMs) return top.atUnixMs;
      this.#heap.pop();
    }
  }

  /** Those that are past, earliest first. They stay until they are deleted. */
  due(nowUnixMs: number): AllocationId[] {
    const passed: Deadline[] = [];
    for (let next = this.nextUnixMs; next !== null && next <= nowUnixMs; next = this.nextUnixMs) {
      const deadline = this.#heap.pop();
      if (deadline) passed.push(deadline);
    }
    for (const deadline of passed) this.#heap.push(deadline);
    return passed.map(({ id }) => id);
  }
}

function isEarlier(a: Deadline, b: Deadline): boolean {
  return a.atUnixMs === b.atUnixMs ? a.id < b.id : a.atUnixMs < b.atUnixMs;
}
