import type { Clock, Timer } from "@berth/runtime";

interface Waiter {
  readonly seq: number;
  readonly run: (isReached: boolean) => void;
  readonly timer: Timer;
}

/** What waits for the state to reflect a sequence of the log, each for a bounded time. */
export class SeqWaiters {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiters.size;
  }

  add(seq: number, timeoutMs: number, run: (isReached: boolean) => void): void {
    const timer = this.#clock.after(timeoutMs, () => this.#end(waiter, false));
    const waiter = { seq, run, timer };
    this.#waiters.add(waiter);
  }

  /** The state reflects everything up to `seq` now. */
  reached(seq: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.seq <= seq) this.#end(waiter, true);
    }
  }

  giveUp(): void {
    for (const waiter of this.#waiters) this.#end(waiter, false);
  }

  #end(waiter: Waiter, isReached: boolean): void {
    waiter.timer.cancel();
    if (this.#waiters.delete(waiter)) waiter.run(isReached);
  }
}
