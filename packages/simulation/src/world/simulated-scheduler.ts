import { Scheduler } from "@berth/scheduler";
import type { ClusterState } from "@berth/scheduler/core";
import type { Logger, Random } from "@berth/runtime";
import type { Engine } from "./engine.ts";
import { type LeaseModel, simulatedLease } from "./lease-model.ts";
import { Link } from "./link.ts";
import type { MessageModel } from "./message-model.ts";
import { simulatedLog, type StreamModel } from "./stream-model.ts";
import { ProcessClock, type Timeline } from "./timeline.ts";

/** A scheduler replica: the production shell, in a process that can die, freeze or be cut off. */
export class SimulatedScheduler {
  readonly name: string;
  private readonly world: {
    timeline: Timeline;
    engine: Engine;
    messages: MessageModel;
    stream: StreamModel;
    lease: LeaseModel;
    random: Random;
    logger: Logger;
    onFatal: (name: string, cause: unknown) => void;
  };
  private life: { scheduler: Scheduler; clock: ProcessClock; link: Link } | null = null;
  private lives = 0;

  constructor(name: string, world: SimulatedScheduler["world"]) {
    this.name = name;
    this.world = world;
  }

  get link(): Link | null {
    return this.life?.link ?? null;
  }

  get clock(): ProcessClock | null {
    return this.life?.clock ?? null;
  }

  get isLeading(): boolean {
    return this.life?.scheduler.standing.mode === "leading";
  }

  /** `dead`, or how the replica stands: for coverage. */
  get mode(): string {
    return this.life?.scheduler.standing.mode ?? "dead";
  }

  /** What it holds, when all of that is in the log; null otherwise. */
  durableState(): ClusterState | null {
    const standing = this.life?.scheduler.standing;
    if (standing?.mode === "following") return standing.state;
    if (standing?.mode !== "leading" || !standing.reign.isDurable) return null;
    return standing.reign.state;
  }

  start(): void {
    if (this.life !== null) return;
    this.lives += 1;
    const { timeline, engine, messages, stream, lease, random, logger } = this.world;
    const clock = new ProcessClock(timeline, { driftPpm: random.below(200) - 100 });
    const link = new Link(`${this.name}#${this.lives}`, { timeline, engine }, random);
    const scheduler = new Scheduler({
      clock,
      random,
      bus: messages.connect(link, clock),
      log: simulatedLog(stream, link, clock),
      lease: simulatedLease(lease, link, clock),
      logger,
      leader: link.name,
      version: "simulated",
    });
    const life = { scheduler, clock, link };
    this.life = life;
    scheduler.done.catch((cause: unknown) => {
      if (this.life === life) this.world.onFatal(this.name, cause);
    });
    scheduler.start();
  }

  kill(): void {
    this.life?.clock.kill();
    this.life?.link.close();
    this.life = null;
  }

  freeze(): void {
    this.life?.clock.freeze();
    this.life?.link.freeze();
  }

  thaw(): void {
    this.life?.clock.thaw();
    this.life?.link.thaw();
  }
}
