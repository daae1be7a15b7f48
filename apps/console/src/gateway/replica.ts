import { applyEntry, type Changes, type ClusterState, createState } from "@berth/scheduler/state";
import {
  type Clock,
  type Log,
  type Logger,
  NO_ENTRY_HASH,
  type Random,
  type StoredEntry,
  type Subscription,
  type Timer,
} from "@berth/runtime";
import { decodeEntry } from "./decode-entry.ts";
import { gatewayTimings } from "./limits.ts";

export interface ReplicaComponents {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** One fold of the log from its start. Sequences of different folds are not comparable. */
export interface Fold {
  readonly epoch: string;
  readonly state: ClusterState;
}

export interface ReplicaListener {
  /** A fold has caught up and replaces the one before it, if any. */
  onFold(fold: Fold): void;
  /** One more entry has been applied to the current fold. */
  onChanges(changes: Changes): void;
}

const EPOCH_LENGTH = 16;

/**
 * A read-only copy of the cluster's state, kept up to date from the log. It writes nothing. When
 * the log cannot go on, or shows another history than the one folded, it starts over beside the
 * old fold, which keeps being served until the new one has caught up.
 */
export class Replica {
  readonly #components: ReplicaComponents;
  readonly #listener: ReplicaListener;
  #current: Fold | null = null;
  #attempt: FoldAttempt | null = null;
  #retry: Timer | null = null;
  #retryMs: number = gatewayTimings.refollowMinMs;
  #isStopped = false;

  constructor(components: ReplicaComponents, listener: ReplicaListener) {
    this.#components = components;
    this.#listener = listener;
  }

  /** The fold to read from; null until the first one has caught up. */
  get current(): Fold | null {
    return this.#current;
  }

  /** The current fold gets every new entry as it is appended. */
  get isFollowing(): boolean {
    return this.#current !== null && this.#attempt?.fold === this.#current;
  }

  start(): void {
    void this.#startOver();
  }

  stop(): void {
    this.#isStopped = true;
    this.#retry?.cancel();
    this.#attempt?.end();
    this.#attempt = null;
  }

  async #startOver(): Promise<void> {
    const { log, random } = this.#components;
    try {
      const { last } = await log.bounds();
      if (this.#isStopped) return;
      const fold = { epoch: random.token(EPOCH_LENGTH), state: createState() };
      this.#attempt = new FoldAttempt(log, fold, last, {
        onCaughtUp: () => this.#adopt(fold),
        onChanges: (changes) => this.#listener.onChanges(changes),
        onEnd: (cause) => this.#startOverLater(cause),
      });
    } catch (cause) {
      this.#startOverLater(cause);
    }
  }

  #adopt(fold: Fold): void {
    this.#current = fold;
    this.#retryMs = gatewayTimings.refollowMinMs;
    this.#components.logger.info("following the log", { seq: fold.state.seq });
    this.#listener.onFold(fold);
  }

  #startOverLater(cause: unknown): void {
    if (this.#isStopped) return;
    const { clock, logger } = this.#components;
    logger.count("replica.start_over", "the log cannot be followed now", { cause });
    this.#attempt?.end();
    this.#attempt = null;
    this.#retry = clock.after(this.#retryMs, () => void this.#startOver());
    this.#retryMs = Math.min(gatewayTimings.refollowMaxMs, this.#retryMs * 2);
  }
}

interface FoldListener {
  onCaughtUp(): void;
  onChanges(changes: Changes): void;
  onEnd(cause: unknown): void;
}

/** Folds from the first entry on, until told to end or until the log cannot go on. */
class FoldAttempt {
  readonly fold: Fold;
  readonly #targetSeq: number;
  readonly #listener: FoldListener;
  readonly #tail: Subscription;
  #previousHash = NO_ENTRY_HASH;
  #isCaughtUp = false;

  constructor(log: Log, fold: Fold, targetSeq: number, listener: FoldListener) {
    this.fold = fold;
    this.#targetSeq = targetSeq;
    this.#listener = listener;
    this.#tail = log.tail(
      1,
      (stored) => this.#apply(stored),
      (cause) => listener.onEnd(cause),
    );
    if (targetSeq === 0) this.#catchUp();
  }

  end(): void {
    this.#tail.unsubscribe();
  }

  #apply(stored: StoredEntry): void {
    const { entry, hash } = decodeEntry(stored, this.#previousHash);
    const changes = applyEntry(this.fold.state, stored.seq, entry);
    this.#previousHash = hash;
    if (this.#isCaughtUp) this.#listener.onChanges(changes);
    else if (stored.seq >= this.#targetSeq) this.#catchUp();
  }

  #catchUp(): void {
    this.#isCaughtUp = true;
    this.#listener.onCaughtUp();
  }
}
