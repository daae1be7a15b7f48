import type { SnapshotHeader, SnapshotManifest } from "@berth/protocol";

/**
 * The world as Berth sees it. Shells are written against these interfaces; real servers, tests and
 * the simulation differ only in what stands behind them. Every adapter of a port passes that
 * port's contract suite.
 */

/** A pending call; cancelling twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time, for display and for records that cross hosts. May jump. */
  nowUnixMs(): number;
  /** Never goes back, unrelated to wall time; for every timeout and deadline in one process. */
  monotonicMs(): number;
  /** Calls `run` once, `delayMs` from now. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` every `intervalMs`, the first time after one interval. */
  every(intervalMs: number, run: () => void): Timer;
}

export interface Random {
  /** Uniform in [0, bound). */
  below(bound: number): number;
  /** Lower-case letters and digits, unguessable in the real adapter. */
  token(length: number): string;
}

/** One received message. `body` is decoded JSON of unknown shape: the receiver validates it. */
export interface Message {
  readonly subject: string;
  readonly body: unknown;
  /** Null when the sender wants no answer. Answers once; later calls do nothing. */
  readonly respond: ((body: unknown) => void) | null;
}

export interface Subscription {
  unsubscribe(): void;
}

export type BusStatus = "connected" | "disconnected" | "closed";

/**
 * Core messaging: at most once, ordered per publisher and subject. Bodies are JSON values.
 * A message that is not JSON is counted and dropped before it reaches a handler, and logged once
 * per subject.
 */
export interface Bus {
  readonly status: BusStatus;
  /** Fire and forget. While disconnected the message is dropped, never buffered. */
  publish(subject: string, body: unknown): void;
  /**
   * Rejects with a `BerthError`: `unreachable` (nobody listens, or not connected), `timeout`.
   * A timeout says nothing about whether the request was handled.
   */
  request(subject: string, body: unknown, options: { timeoutMs: number }): Promise<unknown>;
  /**
   * A handler that throws is reported and counted; it never ends the subscription. Of all who
   * subscribe in one `queue`, one gets each message.
   */
  subscribe(
    subject: string,
    handle: (message: Message) => void,
    options?: { readonly queue?: string },
  ): Subscription;
  onStatus(listen: (status: BusStatus) => void): Subscription;
  /** Flushes what was published, then closes. */
  close(): Promise<void>;
}

/** One stored message of the log, as bytes: what the entry hash is taken over. */
export interface StoredEntry {
  readonly seq: number;
  readonly bytes: Uint8Array;
}

/**
 * - `appended`: durable at `seq`, which is `expectedLastSeq + 1`.
 * - `conflict`: somebody else appended first; nothing was stored.
 * - `full`: the engine has no room; nothing was stored.
 * - `ambiguous`: stored or not, nobody knows. The caller must read back before anything else.
 */
export type AppendResult =
  | { result: "appended"; seq: number }
  | { result: "conflict" }
  | { result: "full"; message: string }
  | { result: "ambiguous"; cause: unknown };

/** The one durable, totally ordered log. Sequences start at 1 and have no holes after the first. */
export interface Log {
  /**
   * Appends only when the log's last sequence is `expectedLastSeq`. Never throws. May be called
   * again before an earlier append has answered only with the sequence that one would get.
   */
  append(bytes: Uint8Array, expectedLastSeq: number): Promise<AppendResult>;
  /** First and last sequence stored now; `{ first: 1, last: 0 }` when empty. Throws when unavailable. */
  bounds(): Promise<{ first: number; last: number }>;
  /** Everything from `fromSeq` to the last sequence at the time of the call, in order. */
  read(fromSeq: number): AsyncIterable<StoredEntry>;
  /**
   * Everything from `fromSeq` on, live, in order and without gaps, across reconnects. `onEntry`
   * runs one at a time. `onGap` is called, and the tail ends, if the engine cannot continue.
   */
  tail(
    fromSeq: number,
    onEntry: (entry: StoredEntry) => void,
    onGap: (cause: unknown) => void,
  ): Subscription;
}

/** What the lease holds now. `body` is null when there is none, or it has run out. */
export interface ObservedLease {
  readonly seq: number;
  readonly body: unknown;
}

/**
 * - `stored`: the lease's message is ours now, at `seq`.
 * - `conflict`: it is not at the expected sequence; nothing changed.
 * - `unknown`: stored or not, nobody knows; observe again.
 */
export type LeaseResult =
  | { result: "stored"; seq: number }
  | { result: "conflict" }
  | { result: "unknown"; cause: unknown };

/**
 * One message that is forgotten when it has not been replaced for its time to live. A hint about
 * who should try to write, never a right: engines forget it late, and sometimes early.
 */
export interface Lease {
  readonly ttlMs: number;
  /** Rejects with a `BerthError` `log.unavailable` when it cannot be read in time. */
  observe(): Promise<ObservedLease>;
  /** Replaces the message when the stream's last sequence is `expectedSeq`. Never throws. */
  put(body: unknown, expectedSeq: number): Promise<LeaseResult>;
}

/** The disk under the log, where this process can see it. */
export interface Storage {
  /** Why nothing more should be written to it, with numbers; null while there is room. */
  shortage(): string | null;
}

/** What the log holds, in numbers. */
export interface LogStat {
  readonly first: number;
  readonly last: number;
  readonly bytes: number;
}

/** What keeping a log takes beyond writing and reading it. Not for the path of a decision. */
export interface LogKeeper {
  /** Rejects with a `BerthError` `log.unavailable`, as every method here. */
  stat(): Promise<LogStat>;
  /** One entry; null when it is not, or no longer, there. */
  entry(seq: number): Promise<StoredEntry | null>;
  /** Removes every entry before `seq`, for good; sequences stay. */
  purgeBefore(seq: number): Promise<void>;
  /**
   * Makes `seq` the first sequence of a log that has never held an entry; rejects with `conflict`
   * for any other. Some engines must be restarted before they take the first append.
   */
  startAt(seq: number): Promise<{ readonly needsRestart: boolean }>;
}

/** A snapshot as a store lists it; without a manifest when that is foreign, damaged or too new. */
export type StoredSnapshot =
  | { readonly id: string; readonly manifest: SnapshotManifest }
  | { readonly id: string; readonly manifest: null; readonly problem: string };

/**
 * Where snapshots are kept. A store moves bytes; whether they are the right ones is for the reader
 * to check against the manifest (see `verifiedChunks`).
 *
 * Every method rejects with a `BerthError`: `log.unavailable` when the store cannot be used now,
 * `log.full` when it has no room, `invalid` when what it holds is damaged.
 */
export interface SnapshotStore {
  /** For people. */
  readonly name: string;
  /** All that are complete, newest first; those without a manifest come last. */
  list(): Promise<readonly StoredSnapshot[]>;
  /** Becomes visible only when all of it is durable. Says under which id, and with what checksum. */
  write(
    header: SnapshotHeader,
    chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  ): Promise<{ readonly id: string; readonly manifest: SnapshotManifest }>;
  /** The chunks as they were written, in order, as many as there are. */
  read(id: string): AsyncIterable<Uint8Array>;
  /** Removing what is not there does nothing. */
  remove(id: string): Promise<void>;
  /** Removes what writes left behind that never finished and began at least `olderThanMs` ago. */
  sweep(olderThanMs: number): Promise<void>;
}
