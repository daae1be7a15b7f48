import { BerthError } from "@berth/protocol";
import type { Clock, Lease, LeaseResult, ObservedLease } from "@berth/runtime/ports";
import type { Engine } from "./engine.ts";
import type { Link } from "./link.ts";
import type { Timeline } from "./timeline.ts";

/** How much later than promised the engine may forget the message: it looks now and then. */
const FORGETS_LATE_MS_MAX = 1_000;
const REQUEST_TIMEOUT_MS = 1_000;

/**
 * The lease's stream as the engine keeps it: one message with an age limit, guarded by the expected
 * sequence, in memory, so that an engine that crashed has forgotten it and starts at 0 again.
 */
export class LeaseModel {
  readonly ttlMs: number;
  /** An election is under way: nothing is stored or read meanwhile. */
  private readonly isElecting: () => boolean;
  private readonly timeline: Timeline;
  private seq = 0;
  private text = "";
  private forgottenAtMs = 0;

  constructor(world: {
    timeline: Timeline;
    engine: Engine;
    ttlMs: number;
    isElecting: () => boolean;
  }) {
    this.timeline = world.timeline;
    this.ttlMs = world.ttlMs;
    this.isElecting = world.isElecting;
    world.engine.onChange(() => this.forget());
  }

  get answers(): boolean {
    return !this.isElecting();
  }

  observe(): ObservedLease {
    const isThere = this.timeline.nowMs < this.forgottenAtMs;
    return { seq: this.seq, body: isThere ? JSON.parse(this.text) : null };
  }

  put(text: string, expectedSeq: number): LeaseResult {
    if (expectedSeq !== this.seq) return { result: "conflict" };
    this.seq += 1;
    this.text = text;
    const lateMs = (this.seq * 379) % FORGETS_LATE_MS_MAX; // as if by chance, and the same each run
    this.forgottenAtMs = this.timeline.nowMs + this.ttlMs + lateMs;
    return { result: "stored", seq: this.seq };
  }

  private forget(): void {
    this.seq = 0;
    this.forgottenAtMs = 0;
  }
}

/** The `Lease` port as one client sees it through its link. */
export function simulatedLease(model: LeaseModel, link: Link, clock: Clock): Lease {
  return {
    ttlMs: model.ttlMs,
    observe: () =>
      new Promise((resolve, reject) => {
        ask(
          model,
          link,
          clock,
          () => model.observe(),
          resolve,
          () => reject(unavailable()),
        );
      }),
    put(body, expectedSeq) {
      const text = JSON.stringify(body);
      return new Promise((resolve) => {
        ask(
          model,
          link,
          clock,
          () => model.put(text, expectedSeq),
          resolve,
          () => resolve({ result: "unknown", cause: "no answer in time" }),
        );
      });
    },
  };
}

/** A request that may be lost on its way there, or its answer on its way back. */
function ask<T>(
  model: LeaseModel,
  link: Link,
  clock: Clock,
  act: () => T,
  onAnswer: (answer: T) => void,
  onTimeout: () => void,
): void {
  const timeout = clock.after(REQUEST_TIMEOUT_MS, onTimeout);
  link.carry("there", () => {
    if (!model.answers) return;
    const answer = act();
    link.carry("back", () => {
      timeout.cancel();
      onAnswer(answer);
    });
  });
}

function unavailable(): BerthError {
  return new BerthError("log.unavailable", "the lease does not answer", { retryable: true });
}
