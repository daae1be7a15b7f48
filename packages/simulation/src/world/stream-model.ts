import { BerthError } from "@berth/protocol";
import type { AppendResult, Clock, Log, StoredEntry, Subscription } from "@berth/runtime/ports";
import type { Link } from "./link.ts";

/**
 * What JetStream promises, and what it does not, as a model: appends are linearizable and guarded
 * by the expected last sequence; an answer may be lost after the append was stored, a request may
 * be lost before it, an election makes the stream unavailable for seconds, a disk may be full.
 */
export class StreamModel {
  private readonly entries: Uint8Array[] = [];
  private readonly tails = new Set<() => void>();
  private firstSeq = 1;
  /** An election is under way: nothing is stored and nothing is answered from the stream. */
  electing = false;
  full = false;

  get bounds(): { first: number; last: number } {
    return { first: this.firstSeq, last: this.entries.length };
  }

  entryAt(seq: number): StoredEntry | null {
    const bytes = seq < this.firstSeq ? undefined : this.entries[seq - 1];
    return bytes === undefined ? null : { seq, bytes };
  }

  /** One attempt, at one instant. Null: the engine has no leader and says so. */
  append(bytes: Uint8Array, expectedLastSeq: number): AppendResult | null {
    if (this.electing) return null;
    if (this.full) return { result: "full", message: "no space left on device" };
    if (expectedLastSeq !== this.entries.length) return { result: "conflict" };
    this.entries.push(bytes);
    for (const notify of this.tails) notify();
    return { result: "appended", seq: this.entries.length };
  }

  /** Drops everything before `seq`, as a purge after a snapshot does. */
  purgeBefore(seq: number): void {
    this.firstSeq = Math.max(this.firstSeq, Math.min(seq, this.entries.length + 1));
  }

  onAppend(notify: () => void): () => void {
    this.tails.add(notify);
    return () => this.tails.delete(notify);
  }
}

/** How long a client waits for an answer before it calls the outcome ambiguous. */
export const APPEND_TIMEOUT_MS = 2_000;
/** Entries under way to one tailing client: a slow consumer is not sent more. */
const TAIL_WINDOW = 256;

/** The `Log` port as one client sees it through its link. */
export function simulatedLog(model: StreamModel, link: Link, clock: Clock): Log {
  return {
    append: (bytes, expectedLastSeq) => appendThrough(model, link, clock, bytes, expectedLastSeq),
    bounds: () => ask(model, link, clock, () => model.bounds),
    read: (fromSeq) => readThrough(model, link, clock, fromSeq),
    tail: (fromSeq, onEntry, onGap) => tailThrough(model, link, clock, fromSeq, onEntry, onGap),
  };
}

function appendThrough(
  model: StreamModel,
  link: Link,
  clock: Clock,
  bytes: Uint8Array,
  expectedLastSeq: number,
): Promise<AppendResult> {
  return new Promise((resolve) => {
    const timeout = clock.after(APPEND_TIMEOUT_MS, () =>
      resolve({ result: "ambiguous", cause: "no answer in time" }),
    );
    const answer = (result: AppendResult) =>
      link.carry("back", () => {
        timeout.cancel();
        resolve(result);
      });
    link.carry("there", () => {
      answer(model.append(bytes, expectedLastSeq) ?? { result: "ambiguous", cause: "no leader" });
    });
  });
}

/** A question that is answered from the stream, or fails after the timeout. */
function ask<T>(model: StreamModel, link: Link, clock: Clock, answer: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = clock.after(APPEND_TIMEOUT_MS, () => reject(unavailable()));
    link.carryReliably("there", () => {
      if (model.electing) return;
      const value = answer();
      link.carryReliably("back", () => {
        timeout.cancel();
        resolve(value);
      });
    });
  });
}

async function* readThrough(
  model: StreamModel,
  link: Link,
  clock: Clock,
  fromSeq: number,
): AsyncGenerator<StoredEntry> {
  const { first, last } = await ask(model, link, clock, () => model.bounds);
  for (let seq = Math.max(first, fromSeq); seq <= last; seq += TAIL_WINDOW) {
    const from = seq;
    const page = await ask(model, link, clock, () => entries(model, from, last));
    yield* page;
  }
}

function entries(model: StreamModel, fromSeq: number, last: number): StoredEntry[] {
  const page: StoredEntry[] = [];
  for (let seq = fromSeq; seq <= last && page.length < TAIL_WINDOW; seq += 1) {
    const entry = model.entryAt(seq);
    if (entry !== null) page.push(entry);
  }
  return page;
}

function tailThrough(
  model: StreamModel,
  link: Link,
  clock: Clock,
  fromSeq: number,
  onEntry: (entry: StoredEntry) => void,
  onGap: (cause: unknown) => void,
): Subscription {
  let next = fromSeq;
  let delivered = fromSeq;
  let ended = false;
  const push = () => {
    if (ended || !link.isUp) return;
    if (next < model.bounds.first) {
      end();
      link.carryReliably("back", () => onGap("the log no longer has the sequence"));
      return;
    }
    while (next <= model.bounds.last && next - delivered < TAIL_WINDOW) {
      const entry = model.entryAt(next);
      if (entry === null) return;
      next += 1;
      link.carryReliably("back", () => {
        // After a cut the client asks again from what it has: neither gap nor repetition.
        if (ended || entry.seq !== delivered) return;
        delivered += 1;
        onEntry(entry);
        push();
      });
    }
  };
  const relink = link.onChange(() => {
    next = delivered;
    push();
  });
  const unsubscribe = model.onAppend(push);
  const end = () => {
    ended = true;
    relink();
    unsubscribe();
  };
  clock.after(0, push);
  return { unsubscribe: end };
}

function unavailable(): BerthError {
  return new BerthError("log.unavailable", "the stream does not answer", { retryable: true });
}
