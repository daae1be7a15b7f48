import { type AllocationReport, type ClusterId, limits } from "@berth/protocol";
import type { Clock, Logger, Random } from "@berth/runtime";
import { acknowledge, emptyQueue, enqueue, nextBatch } from "../core/report-queue.ts";
import type { Leader } from "./leader.ts";
import { type AttemptResult, RetryingLoop } from "./retrying-loop.ts";

export interface ReporterOptions {
  readonly leader: Leader;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly joined: () => ClusterId | null;
  /** The leader has it in its log, or knows nothing of the allocation. */
  readonly onAcknowledged: (report: AllocationReport) => void;
}

/** Repeats every report until the leader has acknowledged it. */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #loop: RetryingLoop;
  #queue = emptyQueue;

  constructor(options: ReporterOptions) {
    this.#options = options;
    const { clock, random, logger } = options;
    this.#loop = new RetryingLoop({
      clock,
      random,
      attempt: () => this.#send(),
      onFailure: (cause) => logger.count("report", "cannot report yet", { cause }),
    });
  }

  add(report: AllocationReport): void {
    this.#queue = enqueue(this.#queue, report);
    this.#loop.wake();
  }

  /** The leader can be reached again. */
  wake(): void {
    this.#loop.wake();
  }

  stop(): void {
    this.#loop.stop();
  }

  async #send(): Promise<AttemptResult> {
    await Promise.resolve(); // collects what this turn of the event loop reports
    const clusterId = this.#options.joined();
    const batch = nextBatch(this.#queue, limits.reportsPerMessageMax);
    if (clusterId === null || batch.length === 0) return "idle";
    const { unknown } = await this.#options.leader.report(clusterId, batch);
    if (unknown.length > 0) {
      this.#options.logger.debug("the leader does not know some allocations", { unknown });
    }
    this.#queue = acknowledge(this.#queue, batch);
    for (const report of batch) this.#options.onAcknowledged(report);
    return this.#queue.waiting.size > 0 ? "again" : "idle";
  }
}
