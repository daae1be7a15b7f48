import { allocationId, type AllocationId, allocationNumber } from "@berth/protocol";

/**
 * A set of allocations in the order in which they were added. Kept as numbers, because of the ids of
 * a million allocations the texts alone would be a tenth of the state.
 */
export class AllocationIds implements Iterable<AllocationId> {
  readonly #numbers: Set<number>;

  constructor(numbers: Iterable<number> = []) {
    this.#numbers = new Set(numbers);
  }

  copy(): AllocationIds {
    return new AllocationIds(this.#numbers);
  }

  get size(): number {
    return this.#numbers.size;
  }

  has(id: AllocationId): boolean {
    return this.#numbers.has(allocationNumber(id));
  }

  add(id: AllocationId): void {
    this.#numbers.add(allocationNumber(id));
  }

  addNumbers(numbers: Iterable<number>): void {
    for (const number of numbers) this.#numbers.add(number);
  }

  delete(id: AllocationId): void {
    this.#numbers.delete(allocationNumber(id));
  }

  *[Symbol.iterator](): Generator<AllocationId> {
    for (const number of this.#numbers) yield allocationId(number);
  }
}
