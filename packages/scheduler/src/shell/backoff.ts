import type { Random } from "@berth/runtime";

/** Doubling waits with up to a quarter of chance on top, so that several do not move in step. */
export class Backoff {
  readonly #random: Random;
  readonly #minMs: number;
  readonly #maxMs: number;
  #nextMs: number;

  constructor(random: Random, range: { readonly minMs: number; readonly maxMs: number }) {
    this.#random = random;
    this.#minMs = range.minMs;
    this.#maxMs = range.maxMs;
    this.#nextMs = range.minMs;
  }

  takeMs(): number {
    const waitMs = this.#nextMs + this.#random.below(Math.ceil(this.#nextMs / 4) + 1);
    this.#nextMs = Math.min(this.#maxMs, this.#nextMs * 2);
    return waitMs;
  }

  reset(): void {
    this.#nextMs = this.#minMs;
  }
}
