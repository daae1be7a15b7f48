import { BerthError } from "@berth/protocol";
import type {
  AppendResult,
  Clock,
  Log,
  Random,
  StoredEntry,
  Subscription,
} from "@berth/runtime/ports";
import type { Engine } from "./engine.ts";
import type { Link } from "./link.ts";
import type { Timeline } from "./timeline.ts";

/**
 * What JetStream promises, and what it does not, as a model: appends are linearizable and guarded
 * by the expected last sequence; a request may be lost before it was stored and its answer after,
 * a request may be stored long after its sender gave up, an election makes the stream unavailable
 * for seconds, a disk may be full, a server may go down with what it had not finished.
 */
export class StreamModel {
  private readonly timeline: Timeline;
  private readonly engine: Engine;
  private readonly random: Random;
  private readonly entries: Uint8Array[] = [];
  private readonly tails = new Set<() => void>();
  private readonly purges = new Set<(beforeSeq: number) => void>();
  private firstSeq = 1;
  /** An election is under way: nothing is stored and nothing is answered from the stream. */
  electing = false;
  full = false;
  /** The longest that an append waits for the disk before it is tried; 0 while all is well. */
  stallMaxMs = 0;
  /** Answers that get lost although the entry was stored, in thousandths. */
  lostAnswersPermille = 0;

  constructor(world: { timeline: Timeline; engine: Engine }, random: Random) {
    this.timeline = world.timeline;
    this.engine = world.engine;
    this.random = random;
  }

  get bounds(): { first: number; last: number } {
    return { first: this.firstSeq, last: this.entries.length };
  }

  get isAvailable(): boolean {
    return this.engine.isUp && !this.electing;
  }

  entryAt(seq: number): StoredEntry | null {
    const bytes = seq < this.firstSeq ? undefined : this.entries[seq - 1];
    return bytes === undefined ? null : { seq, bytes };
  }

  /** An append has reached the engine. `answer` may never be called. */
  receive(
    bytes: Uint8Array,
    expectedLastSeq: number,
    answer: (result: AppendResult) => void,
  ): void {
    const { life } = this.engine;
    const delayMs = this.stallMaxMs === 0 ? 0 : this.random.below(this.stallMaxMs + 1);
    const attempt = () => {
      if (this.engine.life !== life) return;
      const result = this.append(bytes, expectedLastSeq);
      if (this.random.below(1000) >= this.lostAnswersPermille) answer(result);
    };
    if (delayMs === 0) attempt();
    else this.timeline.schedule(this.timeline.nowMs + delayMs, attempt);
  }

  /** Drops everything before `seq`, as a purge after a snapshot does. */
  purgeBefore(seq: number): void {
    const firstSeq = Math.min(seq, this.entries.length + 1);
    if (firstSeq <= this.firstSeq) return;
    this.firstSeq = firstSeq;
    for (const notify of this.purges) notify(firstSeq);
  }

  /** Of what is still there. */
  get bytes(): number {
    return this.entries.slice(this.firstSeq - 1).reduce((sum, bytes) => sum + bytes.length, 0);
  }

  /** What no engine may do: another entry in the place of one that was stored. */
  rewrite(seq: number, bytes: Uint8Array): void {
    this.entries[seq - 1] = bytes;
  }

  onAppend(notify: () => void): () => void {
    this.tails.add(notify);
    return () => this.tails.delete(notify);
  }

  onPurge(notify: (beforeSeq: number) => void): void {
    this.purges.add(notify);
  }

  /** One attempt, at one instant. */
  private append(bytes: Uint8Array, expectedLastSeq: number): AppendResult {
    if (this.electing) return { result: "ambiguous", cause: "no leader" };
    if (this.full) return { result: "full", message: "no space left on device" };
    if (expectedLastSeq !== this.entries.length) return { result: "conflict" };
    this.entries.push(bytes);
    for (const notify of this.tails) notify();
    return { result: "appended", seq: this.entries.length };
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
    link.carry("there", () => model.receive(bytes, expectedLastSeq, answer));
  });
}

/**
 * A question that is answered from the stream, with a value or a refusal, or fails after the timeout.
 * What it was to do may then have been done.
 */
export function ask<T>(
  model: StreamModel,
  link: Link,
  clock: Clock,
  answer: () => T | Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = clock.after(APPEND_TIMEOUT_MS, () => reject(unavailable()));
    const reply = (settle: () => void) => {
      link.carryReliably("back", () => {
        timeout.cancel();
        settle();
      });
    };
    link.carryReliably("there", () => {
      if (!model.isAvailable) return;
      new Promise<T>((answered) => answered(answer())).then(
        (value) => reply(() => resolve(value)),
        (cause: Error) => reply(() => reject(cause)),
      );
    });
  });
}

async function* readThrough(
  model: StreamModel,
  link: Link,
  clock: Clock,
  fromSeq: number,
): AsyncGenerator<StoredEntry> {
  const { last } = await ask(model, link, clock, () => model.bounds);
  for (let seq = fromSeq; seq <= last; seq += TAIL_WINDOW) {
    const from = seq;
    const page = await ask(model, link, clock, () => entries(model, from, last));
    yield* page;
  }
}

function entries(model: StreamModel, fromSeq: number, last: number): StoredEntry[] {
  const page: StoredEntry[] = [];
  for (let seq = fromSeq; seq <= last && page.length < TAIL_WINDOW; seq += 1) {
    const entry = model.entryAt(seq);
    if (entry === null) throw gone(seq, model.bounds.first);
    page.push(entry);
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
  let received = fromSeq;
  let handledMs = 0;
  let ended = false;
  const handleInTurn = (entry: StoredEntry) => {
    handledMs = Math.max(handledMs, clock.monotonicMs() + link.weather.tailDelayMs);
    clock.after(handledMs - clock.monotonicMs(), () => {
      if (!ended) onEntry(entry);
    });
  };
  const push = () => {
    if (ended || !link.isUp) return;
    if (next < model.bounds.first) {
      end();
      link.carryReliably("back", () => onGap("the log no longer has the sequence"));
      return;
    }
    while (next <= model.bounds.last && next - received < TAIL_WINDOW) {
      const entry = model.entryAt(next);
      if (entry === null) return;
      next += 1;
      link.carryReliably("back", () => {
        // After a cut the client asks again from what it has: neither gap nor repetition.
        if (ended || entry.seq !== received) return;
        received += 1;
        handleInTurn(entry);
        push();
      });
    }
  };
  const forgetLink = link.onRestored(() => {
    next = received;
    push();
  });
  const unsubscribe = model.onAppend(push);
  const end = () => {
    ended = true;
    forgetLink();
    unsubscribe();
  };
  clock.after(0, push);
  return { unsubscribe: end };
}

/** As the real log says it: asking again does not help. */
function gone(seq: number, first: number): BerthError {
  return new BerthError("log.unavailable", `entry ${seq} is gone; the log starts at ${first}`);
}

function unavailable(): BerthError {
  return new BerthError("log.unavailable", "the stream does not answer", { retryable: true });
}
