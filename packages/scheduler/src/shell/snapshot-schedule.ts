import { BerthError } from "@berth/protocol";
import type { Clock, LogKeeper, Logger, LogStat, SnapshotStore, Timer } from "@berth/runtime";
import { snapshotLimits, snapshotTimings } from "./snapshot-limits.ts";
import type { RoundOutcome } from "./snapshot-round.ts";

export interface ScheduleComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly keeper: LogKeeper;
  /** Where new snapshots go. */
  readonly store: SnapshotStore;
  /** Only the leader takes them: one is enough. */
  readonly isLeading: () => boolean;
  /** One round, wherever it runs; not in the way of decisions. */
  readonly runRound: () => Promise<RoundOutcome>;
  /** A simulated cluster has no week. */
  readonly pace?: SnapshotPace;
}

/** When a snapshot is due, and how often that is looked at. */
export interface SnapshotPace {
  readonly entriesBetweenMax: number;
  readonly bytesBetweenMax: number;
  readonly changeAgeMsMax: number;
  readonly lookIntervalMs: number;
  readonly retryMs: number;
}

const usualPace: SnapshotPace = { ...snapshotLimits, ...snapshotTimings };

/** Of the newest snapshot; seq 0 when there is none. */
interface Newest {
  readonly seq: number;
  readonly takenAtUnixMs: number;
}

/**
 * Runs a round whenever one is due: after so many entries, so many bytes, or so much time with any
 * change. One at a time; after one that failed there is a wait, and a warning for each kind of cause.
 */
export class SnapshotSchedule {
  readonly #components: ScheduleComponents;
  readonly #pace: SnapshotPace;
  #timer: Timer | null = null;
  /** Null until it was asked for, and after a round. */
  #newest: Newest | null = null;
  #isStopped = false;

  constructor(components: ScheduleComponents) {
    this.#components = components;
    this.#pace = components.pace ?? usualPace;
  }

  start(): void {
    this.#lookIn(this.#pace.lookIntervalMs);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #lookIn(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#components.clock.after(delayMs, () => {
      this.#look().then(
        () => this.#lookIn(this.#pace.lookIntervalMs),
        (cause: unknown) => this.#failed(cause),
      );
    });
  }

  async #look(): Promise<void> {
    const { clock, logger, keeper, isLeading, runRound } = this.#components;
    if (!isLeading()) {
      this.#newest = null; // Another leader's doings are not seen.
      return;
    }
    this.#newest ??= await this.#findNewest();
    if (!isDue(await keeper.stat(), this.#newest, clock.nowUnixMs(), this.#pace)) return;
    const { seq, isNew, copied, removed, logFirst, tookMs } = await runRound();
    this.#newest = null;
    logger.info("took a snapshot", { seq, isNew, copied, removed, logFirst, tookMs });
  }

  async #findNewest(): Promise<Newest> {
    const { store, clock } = this.#components;
    const newest = (await store.list()).find(({ manifest }) => manifest !== null)?.manifest;
    return newest ?? { seq: 0, takenAtUnixMs: clock.nowUnixMs() };
  }

  #failed(cause: unknown): void {
    if (this.#isStopped) return;
    const { logger } = this.#components;
    const code = cause instanceof BerthError ? cause.code : "internal";
    logger.count(`snapshot ${code}`, "no snapshot could be taken; trying on", { cause });
    this.#lookIn(this.#pace.retryMs);
  }
}

/** Whether the log has grown enough, or stood changed for long enough, since the newest snapshot. */
export function isDue(
  { first, last, bytes }: LogStat,
  newest: Newest,
  nowUnixMs: number,
  pace: SnapshotPace = usualPace,
): boolean {
  const entries = last - Math.max(newest.seq, first - 1);
  if (entries <= 0) return false;
  // Entries are taken to be of one size: the engine counts only all of them together.
  const bytesSince = (bytes * entries) / (last - first + 1);
  return (
    entries >= pace.entriesBetweenMax ||
    bytesSince >= pace.bytesBetweenMax ||
    nowUnixMs - newest.takenAtUnixMs >= pace.changeAgeMsMax
  );
}
