import type { Random } from "@berth/runtime/ports";
import type { Engine } from "./engine.ts";
import type { Timeline } from "./timeline.ts";

/** How badly a link behaves. Probabilities are in thousandths, delays in milliseconds. */
export interface LinkWeather {
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  readonly lossPermille: number;
  readonly duplicatePermille: number;
  /** Messages that others overtake, as on two routes between the engine's servers. */
  readonly reorderPermille: number;
  /** How long the client takes over each entry it tails: a slow consumer. */
  readonly tailDelayMs: number;
}

export const CALM: LinkWeather = {
  delayMinMs: 0,
  delayMaxMs: 1,
  lossPermille: 0,
  duplicatePermille: 0,
  reorderPermille: 0,
  tailDelayMs: 0,
};

export type Direction = "there" | "back";

/** A message that others overtake is this much later. */
const OVERTAKEN_MS_MAX = 2_000;

/**
 * One client's connection to the message engine. Either direction can be cut on its own, as with a
 * failing switch port, and the client may be long in noticing; what was under way in a cut
 * direction is lost. A frozen client neither sends nor receives, and gets everything at once when
 * it thaws. What a process sent before it died may still arrive.
 */
export class Link {
  readonly name: string;
  weather: LinkWeather = CALM;
  private readonly timeline: Timeline;
  private readonly engine: Engine;
  private readonly random: Random;
  private readonly cut: Record<Direction, boolean> = { there: false, back: false };
  private isCutNoticed = false;
  private frozen = false;
  private thawed: (() => void)[] = [];
  private closed = false;
  private areLastWordsHeard = false;
  private readonly lastArrivalMs: Record<Direction, number> = { there: 0, back: 0 };
  private readonly changes = new Set<() => void>();
  private readonly restorations = new Set<() => void>();
  private readonly forgetEngine: () => void;

  constructor(name: string, world: { timeline: Timeline; engine: Engine }, random: Random) {
    this.name = name;
    this.timeline = world.timeline;
    this.engine = world.engine;
    this.random = random;
    this.forgetEngine = world.engine.onChange(() => this.changed());
  }

  /** Whether the client believes to be connected. */
  get isUp(): boolean {
    return !this.closed && this.engine.isUp && !this.isCutNoticed;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Whether messages pass in that direction now: what the client cannot know. */
  carries(direction: Direction): boolean {
    return !this.closed && !this.frozen && this.engine.isUp && !this.cut[direction];
  }

  /** Nothing disturbs it. */
  get isCalm(): boolean {
    return this.weather === CALM && this.carries("there") && this.carries("back");
  }

  /** Carries `deliver` to the other side, later, or never; in the weather twice, or out of order. */
  carry(direction: Direction, deliver: () => void): void {
    if (!this.canDepart(direction) || this.chance(this.weather.lossPermille)) return;
    if (this.chance(this.weather.reorderPermille)) {
      const late = this.timeline.nowMs + this.random.below(OVERTAKEN_MS_MAX);
      return this.arrive(direction, late, deliver);
    }
    const arrivalMs = this.nextArrivalMs(direction);
    this.arrive(direction, arrivalMs, deliver);
    if (this.chance(this.weather.duplicatePermille)) {
      this.arrive(direction, arrivalMs + this.random.below(OVERTAKEN_MS_MAX), deliver);
    }
  }

  /** Like `carry`, for a stream that the transport itself repeats until it arrived (TCP). */
  carryReliably(direction: Direction, deliver: () => void): void {
    if (this.canDepart(direction)) this.arrive(direction, this.nextArrivalMs(direction), deliver);
  }

  /** Nothing passes that way any more. Unless `isNoticed`, the client goes on as if connected. */
  sever(direction: Direction, isNoticed = true): void {
    this.cut[direction] = true;
    if (!isNoticed) return;
    const wasNoticed = this.isCutNoticed;
    this.isCutNoticed = true;
    if (!wasNoticed) this.changed();
  }

  /** A client that never noticed the cut has nothing to notice now. */
  heal(): void {
    const wasNoticed = this.isCutNoticed;
    this.cut.there = false;
    this.cut.back = false;
    this.isCutNoticed = false;
    this.weather = CALM;
    if (wasNoticed) this.changed();
    for (const listen of this.restorations) listen();
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

  /** The client's process died: it awaits nothing any more. */
  close(): void {
    this.closed = true;
    this.areLastWordsHeard = this.random.below(2) === 0;
    this.thawed = [];
    this.changes.clear();
    this.restorations.clear();
    this.forgetEngine();
  }

  /** What the client believes of its connection has changed. */
  onChange(listen: () => void): () => void {
    this.changes.add(listen);
    return () => {
      this.changes.delete(listen);
    };
  }

  /** Messages pass again: the transport repeats what it owes. */
  onRestored(listen: () => void): () => void {
    this.restorations.add(listen);
    return () => {
      this.restorations.delete(listen);
    };
  }

  private canDepart(direction: Direction): boolean {
    return !this.closed && this.engine.isUp && !this.cut[direction];
  }

  private arrive(direction: Direction, atMs: number, deliver: () => void): void {
    const { life } = this.engine;
    this.timeline.schedule(atMs, () => {
      if (this.cut[direction] || this.engine.life !== life) return;
      if (this.closed && (direction === "back" || !this.areLastWordsHeard)) return;
      if (this.frozen && direction === "back") this.thawed.push(deliver);
      else deliver();
    });
  }

  private nextArrivalMs(direction: Direction): number {
    const { delayMinMs, delayMaxMs } = this.weather;
    const delayMs = delayMinMs + this.random.below(delayMaxMs - delayMinMs + 1);
    const arrivalMs = Math.max(this.timeline.nowMs + delayMs, this.lastArrivalMs[direction]);
    this.lastArrivalMs[direction] = arrivalMs;
    return arrivalMs;
  }

  private chance(permille: number): boolean {
    return permille > 0 && this.random.below(1000) < permille;
  }

  private changed(): void {
    for (const listen of this.changes) listen();
    if (this.isUp) for (const listen of this.restorations) listen();
  }
}
