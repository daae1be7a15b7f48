import { Scheduler } from "@berth/scheduler";
import type { ClusterState } from "@berth/scheduler/core";
import { runSnapshotRound } from "@berth/scheduler/snapshot-round";
import { SnapshotSchedule } from "@berth/scheduler/snapshot-schedule";
import type { Log, Logger, Random, SnapshotStore } from "@berth/runtime";
import { type SnapshotHabits, simulationLimits } from "../scenario.ts";
import type { Engine } from "./engine.ts";
import { type LeaseModel, simulatedLease } from "./lease-model.ts";
import { Link } from "./link.ts";
import type { MessageModel } from "./message-model.ts";
import { engineSnapshots, folderSnapshots, simulatedKeeper } from "./simulated-snapshots.ts";
import { type ShelfObserver, SnapshotShelf } from "./snapshot-shelf.ts";
import { simulatedLog, type StreamModel } from "./stream-model.ts";
import { ProcessClock, type Timeline } from "./timeline.ts";

/** A scheduler replica: the production shell, in a process that can die, freeze or be cut off. */
export class SimulatedScheduler {
  readonly name: string;
  /** On a disk of its own machine: what it holds outlives the process. */
  readonly folder: SnapshotShelf;
  private readonly world: {
    timeline: Timeline;
    engine: Engine;
    messages: MessageModel;
    stream: StreamModel;
    /** Snapshots in the engine. */
    shelf: SnapshotShelf;
    habits: SnapshotHabits;
    shelfObserver: ShelfObserver;
    lease: LeaseModel;
    random: Random;
    logger: Logger;
    onFatal: (name: string, cause: unknown) => void;
  };
  private life: {
    readonly scheduler: Scheduler;
    readonly clock: ProcessClock;
    readonly link: Link;
    readonly takeSnapshot: () => Promise<unknown>;
  } | null = null;
  private lives = 0;

  constructor(name: string, world: SimulatedScheduler["world"]) {
    this.name = name;
    this.world = world;
    this.folder = new SnapshotShelf(`${name}'s folder`, world.timeline, world.shelfObserver);
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
    const { timeline, engine, messages, stream, shelf, lease, random, logger } = this.world;
    const clock = new ProcessClock(timeline, { driftPpm: random.below(200) - 100 });
    const link = new Link(`${this.name}#${this.lives}`, { timeline, engine }, random);
    const log = simulatedLog(stream, link, clock);
    const stores = [
      engineSnapshots(shelf, stream, link, clock),
      folderSnapshots(this.folder, clock),
    ] as const;
    const scheduler = new Scheduler({
      clock,
      random,
      bus: messages.connect(link, clock),
      log,
      lease: simulatedLease(lease, link, clock),
      snapshots: stores,
      logger,
      leader: link.name,
      version: "simulated",
    });
    const takeSnapshot = this.takeSnapshots({ scheduler, clock, link, log, stores });
    const life = { scheduler, clock, link, takeSnapshot };
    this.life = life;
    scheduler.done.catch((cause: unknown) => {
      if (this.life === life) this.world.onFatal(this.name, cause);
    });
    scheduler.start();
  }

  /** One round, now, whether it is due or not. Rejects as a round does, or when nobody is there. */
  takeSnapshot(): Promise<unknown> {
    return this.life?.takeSnapshot() ?? Promise.reject(new Error(`${this.name} is not running`));
  }

  /** Starts the production schedule of snapshots; gives its round. */
  private takeSnapshots(parts: {
    readonly scheduler: Scheduler;
    readonly clock: ProcessClock;
    readonly link: Link;
    readonly log: Log;
    readonly stores: readonly [SnapshotStore, ...SnapshotStore[]];
  }): () => Promise<unknown> {
    const { stream, habits, logger } = this.world;
    const { scheduler, clock, link, log, stores } = parts;
    const { entriesBetweenMax, retentionMs } = habits;
    const { snapshotChangeAgeMs, snapshotLookMs, snapshotRetryMs } = simulationLimits;
    const keeper = simulatedKeeper(stream, link, clock);
    const components = { log, keeper, stores, clock, logger };
    const runRound = () => runSnapshotRound(components, { retentionMs });
    const schedule = new SnapshotSchedule({
      clock,
      logger,
      keeper,
      store: stores[0],
      isLeading: () => scheduler.standing.mode === "leading",
      runRound,
      pace: {
        entriesBetweenMax,
        bytesBetweenMax: Number.POSITIVE_INFINITY,
        changeAgeMsMax: snapshotChangeAgeMs,
        lookIntervalMs: snapshotLookMs,
        retryMs: snapshotRetryMs,
      },
    });
    schedule.start();
    return runRound;
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
