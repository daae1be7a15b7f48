import type { AllocationId } from "@berth/protocol";
import type { AllocationIds } from "./allocation-ids.ts";

/** The allocations that should run on a node: those that live there and are not asked to stop. */
export class DesiredSet {
  readonly #live: AllocationIds;
  readonly #stopping: AllocationIds;

  /** `stopping` is a part of `live`. */
  constructor(live: AllocationIds, stopping: AllocationIds) {
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
