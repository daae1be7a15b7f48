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
export function memoryLog(options: MemoryLogOptions): MemoryLog {
  const { clock } = options;
  /** From `start.seq` on. */
  const stored: StoredEntry[] = [];
  const start = { seq: 1 };
  const tails = new Set<Tail>();
  const faults: AppendFault[] = [];
  let isFull = false;
  let isAvailable = true;

  const lastSeq = () => start.seq + stored.length - 1;

  function store(bytes: Uint8Array): number {
    const seq = lastSeq() + 1;
    stored.push({ seq, bytes: new Uint8Array(bytes) });
    for (const tail of tails) tail.wake();
    return seq;
  }

  function decide(bytes: Uint8Array, expectedLastSeq: number): AppendResult {
    const fault = faults.shift() ?? (isFull ? "full" : (options.drawFault?.() ?? null));
    const ambiguous = { result: "ambiguous", cause: new Error("no answer") } as const;
    if (!isAvailable || fault === "lost") return ambiguous;
    if (fault === "conflict" || expectedLastSeq !== lastSeq()) return { result: "conflict" };
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
      return { first: start.seq, last: lastSeq() };
    },
    async stat() {
      requireAvailable();
      const bytes = stored.reduce((sum, entry) => sum + entry.bytes.length, 0);
      return { first: start.seq, last: lastSeq(), bytes };
    },
    async entry(seq) {
      requireAvailable();
      return stored[seq - start.seq] ?? null;
    },
    async purgeBefore(seq) {
      requireAvailable();
      if (seq > lastSeq()) throw new BerthError("invalid", `nothing would be left before ${seq}`);
      const gone = Math.max(0, seq - start.seq);
      stored.splice(0, gone);
      start.seq += gone;
    },
    async startAt(seq) {
      requireAvailable();
      const unchanged = stored.length === 0 && start.seq === seq;
      if (lastSeq() !== 0 && !unchanged) {
        throw new BerthError("conflict", `the log ends at ${lastSeq()}`);
      }
      start.seq = seq;
      return { needsRestart: false };
    },
    async *read(fromSeq) {
      requireAvailable();
      if (fromSeq < start.seq) {
        const gone = `entry ${fromSeq} is gone; the log starts at ${start.seq}`;
        throw new BerthError("log.unavailable", gone);
      }
      for (const entry of stored.slice(Math.max(0, fromSeq - start.seq))) yield entry;
    },
    tail(fromSeq, onEntry, onGap): Subscription {
      const tail = new Tail({ clock, stored, start, onEntry, onGap }, fromSeq);
      tails.add(tail);
      if (fromSeq > lastSeq() + 1 || fromSeq < start.seq) {
        const held = `${start.seq} to ${lastSeq()}`;
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
    entries: () => stored,
    overwrite: (seq, bytes) => void (stored[seq - start.seq] = { seq, bytes }),
    intrude: (bytes) => void store(bytes),
    breakTails(cause) {
      for (const tail of tails) tail.break(cause);
      tails.clear();
    },
  };
}

interface TailComponents {
  readonly clock: Clock;
  readonly stored: readonly StoredEntry[];
  readonly start: { readonly seq: number };
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
    const { stored, start, onEntry } = this.#components;
    while (!this.#isStopped) {
      const entry = stored[this.#nextSeq - start.seq];
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
