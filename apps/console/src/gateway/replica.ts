import { recoverState } from "@berth/scheduler/recovery";
import { applyEntry, type Changes, type ClusterState } from "@berth/scheduler/state";
import {
  type Clock,
  type Log,
  type Logger,
  type Random,
  type SnapshotStore,
  type StoredEntry,
  type Subscription,
  type Timer,
} from "@berth/runtime";
import { decodeEntry } from "./decode-entry.ts";
import { gatewayTimings } from "./limits.ts";

export interface ReplicaComponents {
  readonly log: Log;
  /** Where the scheduler keeps snapshots: the log's start may be gone. */
  readonly snapshots: readonly SnapshotStore[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** One fold of the log, from a snapshot or its start. Sequences of different folds are not comparable. */
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
      const { state, lastSeq, lastHash } = await recoverState(this.#components);
      if (this.#isStopped) return;
      const fold = { epoch: random.token(EPOCH_LENGTH), state };
      this.#adopt(fold);
      this.#attempt = new FoldAttempt(log, fold, lastSeq + 1, lastHash, {
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
  onChanges(changes: Changes): void;
  onEnd(cause: unknown): void;
}

/** Folds what follows, until told to end or until the log cannot go on. */
class FoldAttempt {
  readonly fold: Fold;
  readonly #listener: FoldListener;
  readonly #tail: Subscription;
  #previousHash: string;

  constructor(log: Log, fold: Fold, fromSeq: number, previousHash: string, listener: FoldListener) {
    this.fold = fold;
    this.#listener = listener;
    this.#previousHash = previousHash;
    this.#tail = log.tail(
      fromSeq,
      (stored) => this.#apply(stored),
      (cause) => listener.onEnd(cause),
    );
  }

  end(): void {
    this.#tail.unsubscribe();
  }

  #apply(stored: StoredEntry): void {
    const { entry, hash } = decodeEntry(stored, this.#previousHash);
    const changes = applyEntry(this.fold.state, stored.seq, entry);
    this.#previousHash = hash;
    this.#listener.onChanges(changes);
  }
}
