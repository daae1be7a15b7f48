import { hashEntry, type Log, type StoredEntry, type Subscription } from "@berth/runtime";
import { applyEntry, type ClusterState } from "../core/index.ts";
import { decodeEntry } from "./log-codec.ts";
import type { Replayed } from "./replay-log.ts";

export interface ReplicaComponents {
  readonly log: Log;
  /** An entry of the log is in the state now. */
  readonly onEntry: (seq: number) => void;
  /** The log cannot be followed from here; called once, and nothing follows. */
  readonly onBroken: (cause: unknown) => void;
}

/** The whole state in memory, kept up with the log entry by entry: what makes a standby hot. */
export class Replica {
  readonly state: ClusterState;
  readonly #components: ReplicaComponents;
  #lastSeq: number;
  #lastHash: string;
  #tail: Subscription | null = null;
  /** Counts tails: what an earlier one still delivers is ignored. */
  #tails = 0;

  constructor(components: ReplicaComponents, { state, lastSeq, lastHash }: Replayed) {
    this.#components = components;
    this.state = state;
    this.#lastSeq = lastSeq;
    this.#lastHash = lastHash;
  }

  get position(): Replayed {
    return { state: this.state, lastSeq: this.#lastSeq, lastHash: this.#lastHash };
  }

  follow(): void {
    if (this.#tail !== null) return;
    this.#tails += 1;
    const number = this.#tails;
    const { log, onEntry } = this.#components;
    this.#tail = log.tail(
      this.#lastSeq + 1,
      (entry) => {
        if (number !== this.#tails) return;
        try {
          this.take(entry);
        } catch (cause) {
          this.#break(number, cause);
          return;
        }
        onEntry(entry.seq);
      },
      (cause) => this.#break(number, cause),
    );
  }

  /** From here on only `take` changes the state. */
  pause(): void {
    this.#tails += 1;
    this.#tail?.unsubscribe();
    this.#tail = null;
  }

  /** The entry after the last one. Throws a `BerthError` `invalid` when it cannot be used. */
  take(entry: StoredEntry): void {
    applyEntry(this.state, entry.seq, decodeEntry(entry, this.#lastHash));
    this.#lastSeq = entry.seq;
    this.#lastHash = hashEntry(entry.bytes);
  }

  #break(number: number, cause: unknown): void {
    if (number !== this.#tails) return;
    this.pause();
    this.#components.onBroken(cause);
  }
}
