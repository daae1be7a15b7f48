import { BerthError } from "@berth/protocol";
import type { Clock, Lease, LeaseResult } from "../ports.ts";

export interface MemoryLeaseOptions {
  /** Every answer comes through it, never within the call. */
  readonly clock: Clock;
  readonly ttlMs: number;
}

export interface MemoryLease extends Lease {
  /** While unavailable, it cannot be observed and every put is of unknown outcome. */
  setAvailable(isAvailable: boolean): void;
  /** The next put is stored and not answered. */
  loseNextAnswer(): void;
}

/** The lease in memory, with its faults at the tester's command. */
export function memoryLease({ clock, ttlMs }: MemoryLeaseOptions): MemoryLease {
  let seq = 0;
  let stored: { text: string; atMs: number } | null = null;
  let isAvailable = true;
  let losesAnswer = false;

  function put(body: unknown, expectedSeq: number): LeaseResult {
    const unknown = { result: "unknown", cause: new Error("no answer") } as const;
    if (!isAvailable) return unknown;
    if (expectedSeq !== seq) return { result: "conflict" };
    seq += 1;
    stored = { text: JSON.stringify(body), atMs: clock.monotonicMs() };
    if (!losesAnswer) return { result: "stored", seq };
    losesAnswer = false;
    return unknown;
  }

  function answer<T>(value: T): Promise<T> {
    return new Promise((resolve) => void clock.after(0, () => resolve(value)));
  }

  return {
    ttlMs,
    async observe() {
      await answer(null);
      if (!isAvailable) {
        throw new BerthError("log.unavailable", "the lease cannot be read", { retryable: true });
      }
      const isFresh = stored !== null && clock.monotonicMs() - stored.atMs < ttlMs;
      return { seq, body: isFresh && stored !== null ? JSON.parse(stored.text) : null };
    },
    put: (body, expectedSeq) => answer(put(body, expectedSeq)),
    setAvailable: (value) => void (isAvailable = value),
    loseNextAnswer: () => void (losesAnswer = true),
  };
}
