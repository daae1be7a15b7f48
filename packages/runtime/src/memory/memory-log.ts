import { BerthError } from "@berth/protocol";
import type { AppendResult, Clock, Log, LogKeeper, StoredEntry, Subscription } from "../ports.ts";

export interface MemoryLogOptions {
  /** Every answer comes through it, never within the call. */
  readonly clock: Clock;
  readonly appendDelayMs?: number;
  /** Asked before each append that nothing else makes fail. */
  readonly drawFault?: () => AppendFault | null;
}

/**
 * What goes wrong with one append: `full` and `conflict` store nothing; `lost` stores nothing and
 * `unanswered` stores, and the writer cannot tell these two apart.
 */
export type AppendFault = "full" | "conflict" | "lost" | "unanswered";

export interface MemoryLog extends Log, LogKeeper {
  /** The next appends meet these, in order. */
  failNext(...faults: readonly AppendFault[]): void;
  /** Every append meets `full` until told otherwise: the disk has no room. */
  setFull(isFull: boolean): void;
  /** While unavailable, reads and bounds throw and every append is ambiguous. */
  setAvailable(isAvailable: boolean): void;
  /** What is stored, to look at and to damage. */
  entries(): readonly StoredEntry[];
  /** Puts other bytes where an entry is. */
  overwrite(seq: number, bytes: Uint8Array): void;
  /** Another writer's append, without asking anybody. */
  intrude(bytes: Uint8Array): void;
  /** Ends every tail as an engine does that cannot continue. */
  breakTails(cause: unknown): void;
}

/** The engine's log in memory, with its faults at the tester's command. */
// oxlint-disable-next-line max-lines-per-function -- the methods of one log share its variables
export function memoryLog(options: MemoryLogOptions): MemoryLog {
  const { clock } = options;
  const kept = new Kept();
  const tails = new Set<Tail>();
  const faults: AppendFault[] = [];
  let isFull = false;
  let isAvailable = true;

  function store(bytes: Uint8Array): number {
    const seq = kept.add(bytes);
    for (const tail of tails) tail.wake();
    return seq;
  }

  function decide(bytes: Uint8Array, expectedLastSeq: number): AppendResult {
    const fault = faults.shift() ?? (isFull ? "full" : (options.drawFault?.() ?? null));
    const ambiguous = { result: "ambiguous", cause: new Error("no answer") } as const;
    if (!isAvailable || fault === "lost") return ambiguous;
    if (fault === "conflict" || expectedLastSeq !== kept.lastSeq) return { result: "conflict" };
    if (fault === "full") return { result: "full", message: "no space left" };
    const seq = store(bytes);
    return fault === "unanswered" ? ambiguous : { result: "appended", seq };
  }

  function requireAvailable(): void {
    if (isAvailable) return;
    throw new BerthError("log.unavailable", "the log cannot be read", { retryable: true });
  }

  return {
    append(bytes, expectedLastSeq) {
      const result = decide(bytes, expectedLastSeq);
      return new Promise((resolve) => {
        clock.after(options.appendDelayMs ?? 0, () => resolve(result));
      });
    },
    async bounds() {
      requireAvailable();
      return { first: kept.firstSeq, last: kept.lastSeq };
    },
    ...keeperOf(kept, requireAvailable),
    async *read(fromSeq) {
      requireAvailable();
      if (fromSeq < kept.firstSeq) {
        const gone = `entry ${fromSeq} is gone; the log starts at ${kept.firstSeq}`;
        throw new BerthError("log.unavailable", gone);
      }
      for (const entry of kept.entries.slice(fromSeq - kept.firstSeq)) yield entry;
    },
    tail(fromSeq, onEntry, onGap): Subscription {
      const tail = new Tail({ clock, kept, onEntry, onGap }, fromSeq);
      tails.add(tail);
      if (fromSeq > kept.lastSeq + 1 || fromSeq < kept.firstSeq) {
        const held = `${kept.firstSeq} to ${kept.lastSeq}`;
        clock.after(0, () => tail.break(new Error(`no entry ${fromSeq}: there are ${held}`)));
      } else {
        tail.wake();
      }
      return {
        unsubscribe() {
          tails.delete(tail);
          tail.stop();
        },
      };
    },
    failNext: (...next) => void faults.push(...next),
    setFull: (value) => void (isFull = value),
    setAvailable: (value) => void (isAvailable = value),
    entries: () => kept.entries,
    overwrite: (seq, bytes) => void (kept.entries[seq - kept.firstSeq] = { seq, bytes }),
    intrude: (bytes) => void store(bytes),
    breakTails(cause) {
      for (const tail of tails) tail.break(cause);
      tails.clear();
    },
  };
}

/** What is stored: entries without a hole, from the first sequence on. */
class Kept {
  readonly entries: StoredEntry[] = [];
  firstSeq = 1;

  get lastSeq(): number {
    return this.firstSeq + this.entries.length - 1;
  }

  at(seq: number): StoredEntry | undefined {
    return this.entries[seq - this.firstSeq];
  }

  add(bytes: Uint8Array): number {
    const seq = this.lastSeq + 1;
    this.entries.push({ seq, bytes: new Uint8Array(bytes) });
    return seq;
  }
}

function keeperOf(kept: Kept, requireAvailable: () => void): LogKeeper {
  return {
    async stat() {
      requireAvailable();
      const bytes = kept.entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
      return { first: kept.firstSeq, last: kept.lastSeq, bytes };
    },
    async entry(seq) {
      requireAvailable();
      return kept.at(seq) ?? null;
    },
    async purgeBefore(seq) {
      requireAvailable();
      if (seq > kept.lastSeq) throw new BerthError("invalid", `nothing would be left from ${seq}`);
      const gone = Math.max(0, seq - kept.firstSeq);
      kept.entries.splice(0, gone);
      kept.firstSeq += gone;
    },
    async startAt(seq) {
      requireAvailable();
      const isThere = kept.entries.length === 0 && kept.firstSeq === seq;
      if (kept.lastSeq !== 0 && !isThere) {
        throw new BerthError("conflict", `the log is not empty: it ends at ${kept.lastSeq}`);
      }
      kept.firstSeq = seq;
      return { needsRestart: false };
    },
  };
}

interface TailComponents {
  readonly clock: Clock;
  readonly kept: Kept;
  readonly onEntry: (entry: StoredEntry) => void;
  readonly onGap: (cause: unknown) => void;
}

class Tail {
  readonly #components: TailComponents;
  #nextSeq: number;
  #isStopped = false;
  #isAwake = false;

  constructor(components: TailComponents, fromSeq: number) {
    this.#components = components;
    this.#nextSeq = fromSeq;
  }

  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    this.#components.clock.after(0, () => {
      this.#isAwake = false;
      this.#handOver();
    });
  }

  stop(): void {
    this.#isStopped = true;
  }

  break(cause: unknown): void {
    if (this.#isStopped) return;
    this.stop();
    this.#components.onGap(cause);
  }

  #handOver(): void {
    const { kept, onEntry } = this.#components;
    while (!this.#isStopped) {
      const entry = kept.at(this.#nextSeq);
      if (this.#nextSeq < kept.firstSeq) {
        return this.break(
          new Error(`entry ${this.#nextSeq} is gone; the log starts at ${kept.firstSeq}`),
        );
      }
      if (entry === undefined) return;
      this.#nextSeq += 1;
      try {
        onEntry(entry);
      } catch (cause) {
        this.break(cause);
      }
    }
  }
}
