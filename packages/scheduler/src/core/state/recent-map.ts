import { assert } from "@berth/runtime/assert";

/** A map that holds the newest entries, oldest first: one more than it may have drops the oldest. */
export class RecentMap<Key, Value> {
  readonly #sizeMax: number;
  readonly #entries = new Map<Key, Value>();
  /** Stands before the oldest entry. Kept, because a new one would walk past all that was dropped. */
  readonly #oldest = this.#entries.keys();

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key);
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#entries[Symbol.iterator]();
  }

  add(key: Key, value: Value): void {
    assert(!this.#entries.has(key), "an entry is added once");
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#sizeMax) return;
    const oldest = this.#oldest.next();
    if (oldest.done !== true) this.#entries.delete(oldest.value);
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }
}
