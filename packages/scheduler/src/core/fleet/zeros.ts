import { grown } from "./fleet-columns.ts";

/** Arrays of zeros, lent to whoever writes to few of many places and clears those again. */
export class Zeros {
  readonly #spare: Int32Array[] = [];

  /** At least so long, all zeros. */
  borrow(length: number): Int32Array {
    const spare = this.#spare.pop() ?? new Int32Array(0);
    return spare.length >= length ? spare : grown(spare, length);
  }

  /** All zeros again. */
  giveBack(zeros: Int32Array): void {
    this.#spare.push(zeros);
  }
}
