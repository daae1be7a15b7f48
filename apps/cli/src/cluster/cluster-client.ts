import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  type ApiMethod,
  type ApiReply,
  type ApiRequest,
  BerthError,
  type Reply,
  type RequestId,
  subjects,
} from "@berth/protocol";
import { type ClusterFile, clusterFilePath, readClusterFile } from "./cluster-file.ts";
import { NatsWire } from "./nats-wire.ts";
import { type Patience, patience as usualPatience } from "./patience.ts";
import { isRunning } from "./process-identity.ts";

const ATTEMPT_TIMEOUT_MS = 2_000;
const CONNECT_TIMEOUT_MS = 2_000;
const RETRY_WAIT_MIN_MS = 50;
const RETRY_WAIT_MAX_MS = 500;

export interface CallOptions {
  /** Answers that the server itself delays (long polls) get this much more time. */
  readonly waitMs?: number;
  /** When to give up, whatever the reason; else `Patience` decides. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

export interface ClientOptions {
  /** Nothing is read from before this sequence of the log. */
  readonly atLeastSeq?: number;
  /** Hears, once for each call that is no long poll, that it waits, for how long at most, and why. */
  readonly onWaiting?: (note: string) => void;
  readonly patience?: Patience;
}

type Outcome =
  | { readonly value: unknown }
  | { readonly error: BerthError /** The cluster said so itself. */; readonly isAnswer: boolean };

/** Answers that pass when the next leader is there. */
const LEADERLESS: ReadonlySet<string> = new Set(["not_leader", "log.unavailable", "behind"]);

/**
 * Calls the cluster of one home. A call that got no answer, or a retryable one, is repeated until
 * its deadline with the same body: writes carry a request id, so that a repetition of one that was
 * handled returns the first answer.
 */
export class ClusterClient {
  readonly #home: string;
  #file: ClusterFile;
  readonly #seed: string;
  readonly #subscriptions = new Map<string, (body: unknown) => void>();
  #wire: NatsWire;
  /** Counts connections: each goes to the next server. */
  #dials = 0;
  /** Attempts in a row that reached no server. */
  #misses = 0;
  /** The newest sequence of the log in any answer: no later answer may reflect less. */
  #seenSeq: number;
  readonly #patience: Patience;
  readonly #onWaiting: (note: string) => void;

  /** Starts to connect. Throws a `BerthError` when the home has no cluster. */
  constructor(home: string, options: ClientOptions = {}) {
    const file = readClusterFile(home);
    if (file === null) throw neverStarted(home);
    this.#home = home;
    this.#seenSeq = options.atLeastSeq ?? 0;
    this.#patience = options.patience ?? usualPatience;
    this.#onWaiting = options.onWaiting ?? (() => {});
    this.#file = file;
    this.#seed = readSeed(file.credentials.operator.seedFile);
    this.#wire = this.#dial();
  }

  get cluster(): ClusterFile {
    return this.#file;
  }

  async call<M extends ApiMethod>(
    method: M,
    params: ApiRequest<M>,
    options: CallOptions = {},
  ): Promise<ApiReply<M>> {
    // Any scheduler answers a read, and some are a little behind: what was seen stays seen.
    const body = { v: 1, ...params, ...(this.#seenSeq > 0 ? { atLeastSeq: this.#seenSeq } : {}) };
    const reply = await this.request(subjects.api(method), body, options);
    // The leader is the one that validates: its answers have the shape of the method.
    return reply as ApiReply<M>;
  }

  /** A request whose answer is a `Reply`: its value, or the error it carries, thrown. */
  async request(subject: string, body: unknown, options: CallOptions = {}): Promise<unknown> {
    const { waitMs = 0, signal } = options;
    const startedMs = performance.now();
    let answered: BerthError | null = null;
    let last: BerthError | null = null;
    const note = this.#noteWaiting(options, () => last);
    try {
      for (let attempt = 0; ; attempt += 1) {
        signal?.throwIfAborted();
        const leftMs = startedMs + this.#deadlineMs(last, options) - performance.now();
        const timeoutMs = Math.min(Math.max(1, leftMs), ATTEMPT_TIMEOUT_MS + waitMs);
        const outcome = await unlessAborted(this.#attempt(subject, body, timeoutMs), signal);
        if ("value" in outcome) return outcome.value;
        const { error, isAnswer } = outcome;
        if (!error.retryable) throw error;
        if (isAnswer) answered = error;
        last = error;
        const pauseMs = Math.min(RETRY_WAIT_MIN_MS * 2 ** attempt, RETRY_WAIT_MAX_MS);
        const tookMs = performance.now() + pauseMs - startedMs;
        const isLate = tookMs >= this.#deadlineMs(last, options);
        if (isLate || (error.code === "unreachable" && !this.#mayComeBack())) {
          throw answered ?? this.#explain(error);
        }
        await delay(pauseMs, undefined, signal ? { signal } : {});
      }
    } finally {
      clearTimeout(note);
    }
  }

  /** Telemetry; holds across reconnects that `call` and `request` make. */
  subscribe(subject: string, handle: (body: unknown) => void): void {
    this.#subscriptions.set(subject, handle);
    this.#wire.subscribe(subject, handle);
  }

  close(): void {
    this.#wire.close();
  }

  /** How long a call may take in all, by what became of its last attempt. */
  #deadlineMs(last: BerthError | null, { waitMs = 0, deadlineMs }: CallOptions): number {
    const { answerMs, electionMs } = this.#patience;
    const { replicas, natsUrl } = this.#file;
    const isReached = this.#misses < natsUrl.split(",").length;
    const isLeaderless = last === null || isSilence(last) || LEADERLESS.has(last.code);
    const mayElect = replicas > 1 && isReached && isLeaderless;
    return deadlineMs ?? (mayElect ? electionMs : answerMs) + waitMs;
  }

  /** Who polls tells of it in another way. */
  #noteWaiting(options: CallOptions, last: () => BerthError | null): NodeJS.Timeout | undefined {
    if (options.waitMs !== undefined || options.deadlineMs !== undefined) return undefined;
    return setTimeout(() => {
      const atMostMs = this.#deadlineMs(last(), options);
      const why = last()?.message ?? `no answer from ${this.#file.natsUrl} yet`;
      this.#onWaiting(`${why}; waiting for up to ${Math.ceil(atMostMs / 1_000)} s`);
    }, this.#patience.noteAfterMs);
  }

  async #attempt(subject: string, body: unknown, timeoutMs: number): Promise<Outcome> {
    try {
      const reply = await this.#connected().request(subject, body, timeoutMs);
      if (!isReply(reply)) throw new BerthError("internal", `malformed answer to ${subject}`);
      this.#misses = 0;
      if (reply.ok) {
        this.#seenSeq = Math.max(this.#seenSeq, reply.seq ?? 0);
        return { value: reply.value };
      }
      return { error: BerthError.fromWire(reply.error), isAnswer: true };
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      this.#misses = this.#wire.isOpen ? 0 : this.#misses + 1;
      return { error, isAnswer: false };
    }
  }

  /** The cluster may have come back at another address meanwhile. */
  #connected(): NatsWire {
    if (this.#wire.failure) {
      this.#file = readClusterFile(this.#home) ?? this.#file;
      this.#wire = this.#dial();
    }
    return this.#wire;
  }

  #dial(): NatsWire {
    const urls = this.#file.natsUrl.split(",");
    const url = urls[this.#dials++ % urls.length] ?? this.#file.natsUrl;
    const wire = new NatsWire({
      url,
      publicKey: this.#file.credentials.operator.publicKey,
      seed: this.#seed,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    });
    for (const [subject, handle] of this.#subscriptions) wire.subscribe(subject, handle);
    return wire;
  }

  /** A part that crashed is restarted by its supervisor; without one, waiting is in vain. */
  #mayComeBack(): boolean {
    const supervisor = readClusterFile(this.#home)?.supervisor;
    return supervisor !== null && supervisor !== undefined && isRunning(supervisor);
  }

  #explain(error: BerthError): BerthError {
    const isUp = this.#mayComeBack();
    const hint = isUp
      ? `The cluster's own logs are in ${this.#home}/logs.`
      : `No cluster runs on ${this.#home}. Start it with: berth up`;
    // Nothing answered at all: a matter of the address, whatever the last attempt ran into.
    return new BerthError("unreachable", error.message, { hint, retryable: true, cause: error });
  }
}

/** One for each intended change; repeating a request with it is safe. */
export function newRequestId(): RequestId {
  return randomBytes(12).toString("hex") as RequestId;
}

/** Rejects as soon as the signal is raised; what the promise comes to is then of no interest. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error("aborted"));
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** Nobody said anything, for whatever reason. */
function isSilence({ code }: BerthError): boolean {
  return code === "unreachable" || code === "timeout";
}

function isReply(value: unknown): value is Reply<unknown> {
  return typeof value === "object" && value !== null && "ok" in value;
}

function readSeed(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new BerthError("denied", `cannot read the credentials in ${path}`, { cause });
  }
}

function neverStarted(home: string): BerthError {
  return new BerthError("unreachable", `no cluster has run on ${home}`, {
    hint: `Start one with \`berth up\`, or name another home with --home. (${clusterFilePath(home)} is missing.)`,
  });
}
