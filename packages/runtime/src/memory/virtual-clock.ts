import type { Clock, Timer } from "../ports.ts";

interface Pending {
  readonly atMs: number;
  /** Breaks ties: what was asked for first runs first. */
  readonly order: number;
  readonly run: () => void;
}

export interface VirtualClock extends Clock {
  /** Moves time on, running what falls due in its order, each at its own moment. */
  advance(byMs: number): void;
  /** Moves on to the next pending call and runs it; false when nothing is pending. */
  step(): boolean;
  /** Calls that wait for their time. */
  pendingCount(): number;
  /** Shifts wall time only, as an operator or NTP would. */
  jumpWall(byMs: number): void;
}

/** Time that passes only when told to. Nothing in it waits, so a simulated hour takes a moment. */
export function virtualClock(startUnixMs = Date.UTC(2026, 0, 1)): VirtualClock {
  const pending = new Set<Pending>();
  let elapsedMs = 0;
  let wallOffsetMs = startUnixMs;
  let order = 0;

  function schedule(delayMs: number, run: () => void): Pending {
    order += 1;
    const entry = { atMs: elapsedMs + Math.max(0, delayMs), order, run };
    pending.add(entry);
    return entry;
  }

  function next(): Pending | null {
    let earliest: Pending | null = null;
    for (const entry of pending) {
      if (earliest === null || isBefore(entry, earliest)) earliest = entry;
    }
    return earliest;
  }

  function runEntry(entry: Pending): void {
    pending.delete(entry);
    elapsedMs = Math.max(elapsedMs, entry.atMs);
    entry.run();
  }

  return {
    nowUnixMs: () => wallOffsetMs + elapsedMs,
    monotonicMs: () => elapsedMs,
    after(delayMs, run): Timer {
      const entry = schedule(delayMs, run);
      return { cancel: () => void pending.delete(entry) };
    },
    every(intervalMs, run): Timer {
      let entry = schedule(intervalMs, repeat);
      let isCancelled = false;
      function repeat(): void {
        run();
        if (!isCancelled) entry = schedule(intervalMs, repeat);
      }
      return {
        cancel() {
          isCancelled = true;
          pending.delete(entry);
        },
      };
    },
    advance(byMs) {
      const untilMs = elapsedMs + byMs;
      for (let entry = next(); entry !== null && entry.atMs <= untilMs; entry = next()) {
        runEntry(entry);
      }
      elapsedMs = Math.max(elapsedMs, untilMs);
    },
    step() {
      const entry = next();
      if (entry === null) return false;
      runEntry(entry);
      return true;
    },
    pendingCount: () => pending.size,
    jumpWall(byMs) {
      wallOffsetMs += byMs;
    },
  };
}

function isBefore(left: Pending, right: Pending): boolean {
  return left.atMs === right.atMs ? left.order < right.order : left.atMs < right.atMs;
}
