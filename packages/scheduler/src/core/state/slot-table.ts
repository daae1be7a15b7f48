import { allocationId, type AllocationId, allocationNumber } from "@berth/protocol";

/** One index of a workload: at most one live allocation, and what came before it. */
export interface Slot {
  readonly index: number;
  readonly live: AllocationId | null;
  /** Final allocations, oldest first. */
  readonly history: readonly AllocationId[];
  /** Allocations of this index since the task last changed. */
  readonly attempt: number;
  /** When it failed, oldest first: at most `restart.attempts + 1`, all within the window. */
  readonly failuresAtUnixMs: readonly number[];
  /** Not placed again before this; null when it may be placed at once. */
  readonly retryAtUnixMs: number | null;
  readonly lastFailure: string | null;
  /** A batch index that needs nothing more. */
  readonly done: "complete" | "failed" | null;
}

const NONE: readonly never[] = [];

/** An index that has never been placed. */
export function newSlot(index: number): Slot {
  return {
    index,
    live: null,
    history: NONE,
    attempt: 0,
    failuresAtUnixMs: NONE,
    retryAtUnixMs: null,
    lastFailure: null,
    done: null,
  };
}

/**
 * The slots of a workload by index, in the order in which they were first set. Slots are values:
 * one is changed by setting another in its place. Most indexes have nothing to tell but their first
 * allocation, which lives; of those only its number is kept.
 */
export class SlotTable {
  readonly #slots: Map<number, Slot | number>;

  constructor(slots: Iterable<[number, Slot | number]> = []) {
    this.#slots = new Map(slots);
  }

  get size(): number {
    return this.#slots.size;
  }

  get(index: number): Slot | undefined {
    const kept = this.#slots.get(index);
    return typeof kept === "number" ? firstPlaced(index, kept) : kept;
  }

  /** The number of the allocation that lives there; null when none does. */
  liveNumber(index: number): number | null {
    const kept = this.#slots.get(index);
    if (typeof kept === "number") return kept;
    return kept === undefined || kept.live === null ? null : allocationNumber(kept.live);
  }

  *values(): Generator<Slot> {
    for (const [index, kept] of this.#slots) {
      yield typeof kept === "number" ? firstPlaced(index, kept) : kept;
    }
  }

  set(slot: Slot): void {
    const { index, live } = slot;
    if (live !== null && isFirstPlaced(slot)) this.setFirstPlaced(index, allocationNumber(live));
    else this.#slots.set(index, slot);
  }

  /** Sets the slot of an index of which there is only its first allocation, by its number. */
  setFirstPlaced(index: number, live: number): void {
    this.#slots.set(index, live);
  }

  delete(index: number): void {
    this.#slots.delete(index);
  }

  copy(): SlotTable {
    return new SlotTable(this.#slots);
  }
}

/** An index whose first allocation lives. */
function firstPlaced(index: number, live: number): Slot {
  return { ...newSlot(index), live: allocationId(live), attempt: 1 };
}

/** Whether there is nothing to tell of the slot but what `firstPlaced` knows. */
export function isFirstPlaced(slot: Slot): boolean {
  return (
    slot.live !== null &&
    slot.attempt === 1 &&
    slot.history.length === 0 &&
    slot.failuresAtUnixMs.length === 0 &&
    slot.retryAtUnixMs === null &&
    slot.lastFailure === null &&
    slot.done === null
  );
}
