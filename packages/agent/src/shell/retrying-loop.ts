import type { Clock, Random, Timer } from "@berth/runtime";
import { backoffMs } from "../core/backoff.ts";
import { agentTimings } from "../limits.ts";

/** `idle`: nothing to do until the next wake. `again`: at once. `later`: after a backoff. */
export type AttemptResult = "idle" | "again" | "later";

export interface RetryingLoopOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Looks at what there is to do and does some of it. A rejection is a failed attempt. */
  readonly attempt: () => Promise<AttemptResult>;
  readonly onFailure: (cause: unknown) => void;
}

/** Level-triggered work that may fail: one attempt at a time, with backoff and jitter. */
export class RetryingLoop {
  readonly #options: RetryingLoopOptions;
  #timer: Timer | null = null;
  #isRunning = false;
  #isWoken = false;
  #isStopped = false;
  #failures = 0;

  constructor(options: RetryingLoopOptions) {
    this.#options = options;
  }

  /** There may be something to do: do not wait out a backoff. */
  wake(): void {
    if (this.#isStopped) return;
    if (this.#isRunning) {
      this.#isWoken = true;
      return;
    }
    this.#timer?.cancel();
    this.#timer = null;
    void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    this.#isWoken = false;
    const result = await this.#attempt();
    this.#isRunning = false;
    if (this.#isStopped) return;
    if (result !== "later") this.#failures = 0;
    if (result === "again" || (result === "idle" && this.#isWoken)) return this.wake();
    if (result === "idle") return;
    this.#failures += 1;
    const { clock, random } = this.#options;
    const delayMs = backoffMs(this.#failures, agentTimings.retryMinMs, agentTimings.retryMaxMs);
    this.#timer = clock.after(delayMs / 2 + random.below(delayMs / 2 + 1), () => this.wake());
  }

  async #attempt(): Promise<AttemptResult> {
    try {
      return await this.#options.attempt();
    } catch (cause) {
      if (!this.#isStopped) this.#options.onFailure(cause);
      return "later";
    }
  }
}
