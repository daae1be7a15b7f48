import { type ClusterEvent, LOG_VERSION, type WireError } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { type AppendResult, type Clock, hashEntry, type Log } from "@berth/runtime";
import { applyEntry, type Changes, type ClusterState, type Whole } from "../core/index.ts";
import { encodeEvent, EntryDraft, EVENT_BYTES_MAX } from "./log-codec.ts";
import type { Replayed } from "./replay-log.ts";

/** Why a journal ended. Its state holds changes that are not in the log: it must be dropped. */
export type JournalFailure = Exclude<AppendResult, { result: "appended" }>;

export interface JournalComponents {
  readonly log: Log;
  readonly clock: Clock;
  /** An entry became durable, after everything that waited for it has run. */
  readonly onDurable: (seq: number) => void;
  /** Called once. What still waits is not told: the owner calls `abandon` with the reason. */
  readonly onFailure: (failure: JournalFailure) => void;
}

interface Held {
  readonly seq: number;
  readonly release: () => void;
  readonly refuse: (error: WireError) => void;
}

/**
 * Group commit. Events are applied to the state at once and collected into entries; while one entry is
 * on its way to the log the next collect. Never are two on their way: the log refuses what does not
 * expect its last sequence, and says nothing of which entry that is. Were the first refused because
 * another leader's took its place, the second would find the sequence that it expects, and be stored
 * behind an entry that it does not continue. Nothing that depends on the state may leave the process
 * before the log has it: `whenDurable` holds it until then.
 */
export class EntryJournal {
  readonly #components: JournalComponents;
  readonly #state: ClusterState;
  readonly #term: number;
  /** Complete and waiting for their turn, oldest first. */
  readonly #closed: EntryDraft[] = [];
  #open: EntryDraft | null = null;
  #isUnderWay = false;
  /** Of what is collected, complete or on its way. */
  #unacknowledgedBytes = 0;
  #isEnded = false;
  #held: Held[] = [];
  /** Of the entry that was acknowledged last. */
  #durableHash: string;
  #durableSeq: number;

  constructor(components: JournalComponents, { state, lastSeq, lastHash }: Replayed) {
    this.#components = components;
    this.#state = state;
    this.#term = state.term;
    this.#durableSeq = lastSeq;
    this.#durableHash = lastHash;
  }

  /** Whether everything in the state is in the log. */
  get isDurable(): boolean {
    return this.#state.seq === this.#durableSeq;
  }

  get durableSeq(): number {
    return this.#durableSeq;
  }

  /** Where the log ends, with the state that it folds to; null while the state is ahead of it. */
  get position(): Replayed | null {
    if (!this.isDurable) return null;
    return { state: this.#state, lastSeq: this.#durableSeq, lastHash: this.#durableHash };
  }

  /** JSON bytes of events that are in the state and not in the log yet. */
  get unacknowledgedBytes(): number {
    return this.#unacknowledgedBytes;
  }

  /** How many releases wait for the log. */
  get heldCount(): number {
    return this.#held.length;
  }

  /**
   * Applies events to the state and adds them to the log with the next `flush`. They stay together
   * in one entry where they fit one; more are split, in order, and never within `wholes`. Says what
   * each part changed.
   */
  record(events: readonly ClusterEvent[], wholes: readonly Whole[] = []): Changes[] {
    const changes = this.tryRecord(events, wholes);
    assert(changes !== null, "an event that fits no entry is refused before");
    return changes;
  }

  /** The same for events of any size; null, and nothing is changed, when one of them fits no entry. */
  tryRecord(events: readonly ClusterEvent[], wholes: readonly Whole[] = []): Changes[] | null {
    assert(!this.#isEnded, "a journal that has failed takes nothing more");
    const encoded = events.map((event) => ({ event, bytes: encodeEvent(event) }));
    if (encoded.some(({ bytes }) => bytes.length >= EVENT_BYTES_MAX)) return null;
    const total = bytesOf(encoded);
    this.#unacknowledgedBytes += total;
    if (this.#open !== null && !this.#open.fits(total)) this.#close();
    const changes: Changes[] = [];
    let part: ClusterEvent[] = [];
    for (const together of groupWholes(encoded, wholes)) {
      if (this.#open !== null && !this.#open.fits(bytesOf(together) - 1)) {
        changes.push(...this.#apply(part));
        part = [];
        this.#close();
      }
      this.#open ??= this.#nextDraft();
      for (const { event, bytes } of together) {
        this.#open.add(bytes);
        part.push(event);
      }
    }
    changes.push(...this.#apply(part));
    return changes;
  }

  /** Sends what is collected, now or as soon as there is an acknowledgement to follow. */
  flush(): void {
    if (this.#isEnded || this.#isUnderWay) return;
    if (this.#closed.length === 0) this.#close();
    const draft = this.#closed.shift();
    if (draft !== undefined) void this.#append(draft);
  }

  /** Runs `release` once everything in the state as of now is in the log; perhaps at once. */
  whenDurable(release: () => void, refuse: (error: WireError) => void = () => {}): void {
    assert(!this.#isEnded, "a journal that has failed holds nothing more");
    if (this.isDurable) release();
    else this.#held.push({ seq: this.#state.seq, release, refuse });
  }

  /** Ends the journal and refuses everything that still waits. */
  abandon(error: WireError): void {
    this.#isEnded = true;
    const held = this.#held;
    this.#held = [];
    for (const { refuse } of held) refuse(error);
  }

  #apply(events: ClusterEvent[]): Changes[] {
    if (events.length === 0 || this.#open === null) return [];
    const { seq, term, atUnixMs, eventCount } = this.#open;
    const part = { v: LOG_VERSION, term, atUnixMs, previous: "", events } as const;
    return [applyEntry(this.#state, seq, part, eventCount - events.length)];
  }

  #nextDraft(): EntryDraft {
    return new EntryDraft({
      seq: this.#state.seq + 1,
      term: this.#term,
      atUnixMs: this.#components.clock.nowUnixMs(),
    });
  }

  #close(): void {
    if (this.#open !== null) this.#closed.push(this.#open);
    this.#open = null;
  }

  async #append(draft: EntryDraft): Promise<void> {
    const bytes = draft.encode(this.#durableHash);
    this.#isUnderWay = true;
    const outcome = await this.#components.log.append(bytes, draft.seq - 1);
    if (this.#isEnded) return;
    if (outcome.result !== "appended") {
      this.#isEnded = true;
      this.#components.onFailure(outcome);
      return;
    }
    this.#isUnderWay = false;
    this.#durableSeq = draft.seq;
    this.#durableHash = hashEntry(bytes);
    this.#unacknowledgedBytes -= draft.bytes;
    this.flush();
    this.#release();
    this.#components.onDurable(this.#durableSeq);
  }

  #release(): void {
    const ready = this.#held.filter(({ seq }) => seq <= this.#durableSeq);
    if (ready.length === 0) return;
    this.#held = this.#held.slice(ready.length);
    for (const { release } of ready) release();
  }
}

interface Encoded {
  readonly event: ClusterEvent;
  readonly bytes: Uint8Array;
}

/** With their commas. */
function bytesOf(encoded: readonly Encoded[]): number {
  return encoded.reduce((sum, { bytes }) => sum + bytes.length + 1, 0);
}

/** What goes into one entry: each event by itself, those of a whole together. */
function* groupWholes(
  encoded: readonly Encoded[],
  wholes: readonly Whole[],
): Generator<readonly Encoded[]> {
  let at = 0;
  for (const { from, count } of wholes) {
    for (; at < from; at += 1) yield encoded.slice(at, at + 1);
    at += count;
    yield encoded.slice(from, at);
  }
  for (; at < encoded.length; at += 1) yield encoded.slice(at, at + 1);
}
