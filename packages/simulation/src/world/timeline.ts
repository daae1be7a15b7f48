import type { Clock, Timer } from "@berth/runtime/ports";

interface Due {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

/** 2026-01-01, so that transcripts read like logs. */
export const START_UNIX_MS = Date.UTC(2026, 0, 1);

/**
 * The one virtual time that every simulated process lives in: a binary heap of what is due, ties in
 * the order in which they were asked for. Nothing waits, so a simulated hour takes a moment.
 */
export class Timeline {
  private readonly heap: Due[] = [];
  private orders = 0;
  nowMs = 0;

  schedule(atMs: number, run: () => void): Timer {
    this.orders += 1;
    const due: Due = { atMs: Math.max(atMs, this.nowMs), order: this.orders, run };
    this.push(due);
    return { cancel: () => void (due.run = null) };
  }

  /** Runs what is due next and returns true, or returns false when nothing is due by `untilMs`. */
  step(untilMs: number): boolean {
    for (;;) {
      const due = this.heap[0];
      if (due === undefined || due.atMs > untilMs) {
        this.nowMs = Math.max(this.nowMs, untilMs);
        return false;
      }
      this.pop();
      if (due.run === null) continue;
      this.nowMs = due.atMs;
      due.run();
      return true;
    }
  }

  private push(due: Due): void {
    const heap = this.heap;
    let at = heap.push(due) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(due, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = due;
  }

  private pop(): void {
    const heap = this.heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const right = heap[child + 1];
      let smallest = heap[child];
      if (smallest === undefined) break;
      if (right !== undefined && isBefore(right, smallest)) {
        child += 1;
        smallest = right;
      }
      if (!isBefore(smallest, last)) break;
      heap[at] = smallest;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}

/**
 * The clock of one process. Its wall time may be off and its oscillator may run fast or slow; its
 * timers stand still while it is frozen, come all at once when it thaws, and die with it.
 */
export class ProcessClock implements Clock {
  private readonly timeline: Timeline;
  private readonly drift: number;
  private wallOffsetMs: number;
  private dead = false;
  private frozenRuns: (() => void)[] | null = null;

  constructor(timeline: Timeline, skew: { wallOffsetMs?: number; driftPpm?: number } = {}) {
    this.timeline = timeline;
    this.wallOffsetMs = skew.wallOffsetMs ?? 0;
    this.drift = 1 + (skew.driftPpm ?? 0) / 1e6;
  }

  nowUnixMs(): number {
    return Math.floor(START_UNIX_MS + this.wallOffsetMs + this.timeline.nowMs * this.drift);
  }

  monotonicMs(): number {
    return this.timeline.nowMs * this.drift;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.timeline.schedule(this.timeline.nowMs + Math.max(0, delayMs) / this.drift, () =>
      this.deliver(run),
    );
  }

  every(intervalMs: number, run: () => void): Timer {
    let timer = this.after(intervalMs, repeat);
    let cancelled = false;
    const again = () => {
      timer = this.after(intervalMs, repeat);
    };
    function repeat(): void {
      run();
      if (!cancelled) again();
    }
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** The clock of another process on the same machine: it tells the same time, and dies alone. */
  sibling(): ProcessClock {
    const { timeline, wallOffsetMs } = this;
    return new ProcessClock(timeline, { wallOffsetMs, driftPpm: (this.drift - 1) * 1e6 });
  }

  jumpWall(byMs: number): void {
    this.wallOffsetMs += byMs;
  }

  /** Its wall time is right again, as after a time server was reached. */
  setWallRight(): void {
    this.wallOffsetMs = 0;
  }

  get isFrozen(): boolean {
    return this.frozenRuns !== null;
  }

  freeze(): void {
    this.frozenRuns ??= [];
  }

  thaw(): void {
    const runs = this.frozenRuns ?? [];
    this.frozenRuns = null;
    for (const run of runs) this.deliver(run);
  }

  kill(): void {
    this.dead = true;
    this.frozenRuns = null;
  }

  private deliver(run: () => void): void {
    if (this.dead) return;
    if (this.frozenRuns === null) run();
    else this.frozenRuns.push(run);
  }
}
