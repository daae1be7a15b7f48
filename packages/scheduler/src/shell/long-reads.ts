import type { Clock, Timer } from "@berth/runtime";
import { shellLimits, shellTimings } from "./limits.ts";

interface LongRead {
  /** One turn's worth of parts; true when it is over, answered or not. */
  readonly goOn: (untilMs: number) => boolean;
  readonly giveUp: () => void;
}

/** What becomes of a read that is done in parts: exactly one of these is called, once. */
export interface LongReadEnd<Result> {
  readonly onDone: (result: Result, tookMs: number) => void;
  readonly onFailed: (cause: unknown) => void;
  /** Nobody goes on with it. */
  readonly onGivenUp: () => void;
}

/**
 * Reads that take seconds, on the thread that decides: a turn of parts of one, then everything else
 * that waits, then a turn of the next. Each works on a state of its own, so that one that fails harms
 * nothing else.
 */
export class LongReads {
  readonly #clock: Clock;
  readonly #reads: LongRead[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isFull(): boolean {
    return this.#reads.length >= shellLimits.longReadsMax;
  }

  /** The first part is done at once: it takes what it needs of a state that goes on changing. */
  add<Result>(work: Iterator<void, Result>, end: LongReadEnd<Result>): void {
    const clock = this.#clock;
    const startedMs = clock.monotonicMs();
    const read: LongRead = {
      giveUp: end.onGivenUp,
      goOn(untilMs) {
        try {
          do {
            const { done, value } = work.next();
            if (done !== true) continue;
            end.onDone(value, clock.monotonicMs() - startedMs);
            return true;
          } while (clock.monotonicMs() < untilMs);
        } catch (cause) {
          end.onFailed(cause);
          return true;
        }
        return false;
      },
    };
    if (read.goOn(startedMs)) return;
    this.#reads.push(read);
    this.#goOnLater();
  }

  giveUpAll(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const read of this.#reads.splice(0)) read.giveUp();
  }

  #goOnLater(): void {
    if (this.#timer !== null || this.#reads.length === 0) return;
    this.#timer = this.#clock.after(0, () => {
      this.#timer = null;
      const read = this.#reads.shift();
      const untilMs = this.#clock.monotonicMs() + shellTimings.longReadTurnMs;
      if (read && !read.goOn(untilMs)) this.#reads.push(read);
      this.#goOnLater();
    });
  }
}
