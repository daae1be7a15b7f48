import type { AllocationId } from "@berth/protocol";

/** The allocations that should run on a node: those that live there and are not asked to stop. */
export class DesiredSet {
  readonly #live: ReadonlySet<AllocationId>;
  readonly #stopping: ReadonlySet<AllocationId>;

  /** `stopping` is a part of `live`. */
  constructor(live: ReadonlySet<AllocationId>, stopping: ReadonlySet<AllocationId>) {
    this.#live = live;
    this.#stopping = stopping;
  }

  get size(): number {
    return this.#live.size - this.#stopping.size;
  }

  has(id: AllocationId): boolean {
    return this.#live.has(id) && !this.#stopping.has(id);
  }

  *[Symbol.iterator](): Generator<AllocationId> {
    for (const id of this.#live) if (!this.#stopping.has(id)) yield id;
  }
}
