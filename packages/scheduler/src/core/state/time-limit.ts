import type { AllocationId, WorkloadSpec } from "@berth/protocol";
import { BestFirst } from "../place/best-first.ts";

/**
 * When an allocation has run as long as it may; null without a time limit. It counts from the
 * placement: what is promised to those who wait then holds whatever a start takes.
 */
export function deadlineUnixMs({ placement }: WorkloadSpec, placedAtUnixMs: number): number | null {
  const timeLimitMs = placement?.timeLimitMs;
  return timeLimitMs === undefined ? null : placedAtUnixMs + timeLimitMs;
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
