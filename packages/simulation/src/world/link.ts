import type { Clock, Random } from "@berth/runtime/ports";

/** How badly a link behaves. Probabilities are in thousandths, delays in milliseconds. */
export interface LinkWeather {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly lossPermille: number;
  readonly duplicatePermille: number;
}

export const CALM: LinkWeather = {
  delayMinMs: 0,
  delayMaxMs: 1,
  lossPermille: 0,
  duplicatePermille: 0,
};

export type Direction = "there" | "back";

/**
 * One client's connection to the message engine. Either direction can be cut on its own, as with a
 * failing switch port; what was under way in a cut direction is lost. A frozen client neither sends
 * nor receives, and gets everything at once when it thaws: a process that was stopped.
 */
export class Link {
  readonly name: string;
  weather: LinkWeather = CALM;
  private readonly clock: Clock;
  private readonly random: Random;
  private readonly cut: Record<Direction, boolean> = { there: false, back: false };
  private frozen = false;
  private thawed: (() => void)[] = [];
  private closed = false;
  private readonly lastArrivalMs: Record<Direction, number> = { there: 0, back: 0 };
  private readonly changes = new Set<() => void>();

  constructor(name: string, clock: Clock, random: Random) {
    this.name = name;
    this.clock = clock;
    this.random = random;
  }

  get isUp(): boolean {
    return !this.closed && !this.cut.there && !this.cut.back;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Carries `deliver` to the other side, later, or never. In order unless it is a duplicate. */
  carry(direction: Direction, deliver: () => void): void {
    if (this.closed || this.cut[direction]) return;
    if (this.chance(this.weather.lossPermille)) return;
    const arrival = Math.max(
      this.clock.monotonicMs() + this.delayMs(),
      this.lastArrivalMs[direction],
    );
    this.lastArrivalMs[direction] = arrival;
    this.arrive(direction, arrival, deliver);
    if (this.chance(this.weather.duplicatePermille)) {
      this.arrive(direction, arrival + this.delayMs(), deliver);
    }
  }

  /** Like `carry`, for a stream that the transport itself repeats until it arrived (TCP). */
  carryReliably(direction: Direction, deliver: () => void): void {
    if (this.closed || this.cut[direction]) return;
    const arrival = Math.max(
      this.clock.monotonicMs() + this.delayMs(),
      this.lastArrivalMs[direction],
    );
    this.lastArrivalMs[direction] = arrival;
    this.arrive(direction, arrival, deliver);
  }

  sever(direction: Direction): void {
    this.cut[direction] = true;
    this.changed();
  }

  heal(): void {
    this.cut.there = false;
    this.cut.back = false;
    this.weather = CALM;
    this.changed();
  }

  freeze(): void {
    this.frozen = true;
  }

  thaw(): void {
    this.frozen = false;
    const waiting = this.thawed;
    this.thawed = [];
    for (const deliver of waiting) deliver();
  }

  /** The client's process died: nothing it sent or awaited matters any more. */
  close(): void {
    this.closed = true;
    this.thawed = [];
    this.changes.clear();
  }

  onChange(listen: () => void): () => void {
    this.changes.add(listen);
    return () => this.changes.delete(listen);
  }

  private arrive(direction: Direction, atMs: number, deliver: () => void): void {
    this.clock.after(atMs - this.clock.monotonicMs(), () => {
      if (this.closed || this.cut[direction]) return;
      if (this.frozen && direction === "back") this.thawed.push(deliver);
      else deliver();
    });
  }

  private delayMs(): number {
    const { delayMinMs, delayMaxMs } = this.weather;
    return delayMinMs + this.random.below(delayMaxMs - delayMinMs + 1);
  }

  private chance(permille: number): boolean {
    return permille > 0 && this.random.below(1000) < permille;
  }

  private changed(): void {
    for (const listen of this.changes) listen();
  }
}
