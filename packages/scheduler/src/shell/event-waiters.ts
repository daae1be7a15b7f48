import type { ApiParams } from "@berth/protocol";
import type { Clock, Timer } from "@berth/runtime";
import type { Respond } from "./answer.ts";
import { shellLimits } from "./limits.ts";

type Params = ApiParams<"event.list">;

interface Waiter {
  readonly params: Params;
  readonly respond: Respond;
  readonly timer: Timer;
}

/** Answers if it can, or in any case when `isLast`; says whether it did. */
export type TryAnswer = (params: Params, respond: Respond, isLast: boolean) => boolean;

/** Requests for events that have not happened yet. */
export class EventWaiters {
  readonly #clock: Clock;
  readonly #tryAnswer: TryAnswer;
  readonly #waiters = new Set<Waiter>();

  constructor(clock: Clock, tryAnswer: TryAnswer) {
    this.#clock = clock;
    this.#tryAnswer = tryAnswer;
  }

  /** Answers at once where there is something to say or no leave to wait. */
  add(params: Params, respond: Respond): void {
    const mayWait = params.waitMs > 0 && this.#waiters.size < shellLimits.eventWaitersMax;
    if (this.#tryAnswer(params, respond, !mayWait)) return;
    const timer = this.#clock.after(params.waitMs, () => this.#expire(waiter));
    const waiter = { params, respond, timer };
    this.#waiters.add(waiter);
  }

  retry(): void {
    for (const waiter of this.#waiters) {
      if (!this.#tryAnswer(waiter.params, waiter.respond, false)) continue;
      waiter.timer.cancel();
      this.#waiters.delete(waiter);
    }
  }

  expireAll(): void {
    for (const waiter of this.#waiters) this.#expire(waiter);
  }

  #expire(waiter: Waiter): void {
    waiter.timer.cancel();
    this.#waiters.delete(waiter);
    this.#tryAnswer(waiter.params, waiter.respond, true);
  }
}
