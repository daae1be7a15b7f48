import { BerthError, type ClusterEvent, type ClusterId } from "@berth/protocol";
import type { Bus, Clock, Log, Logger, Random, Storage, Subscription, Timer } from "@berth/runtime";
import { applyEntry } from "../core/index.ts";
import { AgentService } from "./agent-service.ts";
import { ApiService } from "./api-service.ts";
import { Backoff } from "./backoff.ts";
import type { JournalFailure } from "./entry-journal.ts";
import { shellTimings } from "./limits.ts";
import { decodeEntry, encodeEvent, EntryDraft, hashEntry } from "./log-codec.ts";
import { refusals } from "./refusal.ts";
import { Reign } from "./reign.ts";
import { type Replayed, replayLog } from "./replay-log.ts";
import type { Standing } from "./standing.ts";

export interface SchedulerComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly bus: Bus;
  readonly log: Log;
  readonly logger: Logger;
  /** The disk under the log; absent where it is out of sight. */
  readonly storage?: Storage | undefined;
  /** Names this process for people: host name and pid. */
  readonly leader: string;
  readonly version: string;
}

const CLUSTER_ID_CHARACTERS = 20;
const STOP_PATIENCE_MS = 3_000;

/**
 * The scheduler: reads the log, opens a term of its own, decides until an append fails, and then
 * starts over. The log's sequence guard decides who may write; everything else here is about
 * answering honestly meanwhile.
 *
 *     away ──replayed, LeaderStarted appended──▶ leading ──an append fails──▶ away
 *       └────replayed, the log is full────▶ reading ──room again──▶ leading
 */
export class Scheduler {
  /** Resolves after `stop`; rejects on a bug or a log that nobody can read. */
  readonly done: Promise<void>;
  readonly #components: SchedulerComponents;
  readonly #api: ApiService;
  readonly #agents: AgentService;
  readonly #retryBackoff: Backoff;
  readonly #standbyBackoff: Backoff;
  readonly #fullBackoff: Backoff;
  #standing: Standing = { mode: "away", refusal: refusals.notLeader("it has just started") };
  #subscriptions: Subscription[] = [];
  #status: Subscription | null = null;
  #timer: Timer | null = null;
  /** The newest term this process ever tried to open; 0 before the first. */
  #ownTerm = 0;
  #ledSinceMs = 0;
  #isLogLost = false;
  #isStopped = false;
  readonly #settle: { resolve: () => void; reject: (cause: unknown) => void };

  constructor(components: SchedulerComponents) {
    const { random, bus, clock, logger, storage } = components;
    const services = { bus, clock, logger, storage, standing: () => this.#standing };
    const { promise, resolve, reject } = withResolvers();
    this.done = promise;
    this.#settle = { resolve, reject };
    this.#components = components;
    this.#api = new ApiService(services);
    this.#agents = new AgentService(services);
    this.#retryBackoff = new Backoff(random, range("retry"));
    this.#standbyBackoff = new Backoff(random, range("standby"));
    this.#fullBackoff = new Backoff(random, range("full"));
  }

  get standing(): Standing {
    return this.#standing;
  }

  start(): void {
    this.#status = this.#components.bus.onStatus((status) => {
      // No need to sit out the wait for a log that was unreachable until now.
      if (status === "connected" && this.#isLogLost && this.#timer !== null) this.#retryIn(0);
    });
    this.#seek();
  }

  /** Lets what is on its way to the log arrive, answers it, and ends. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#closeDoors();
    if (this.#standing.mode === "leading") await this.#untilDurable(this.#standing.reign);
    this.#end();
    this.#settle.resolve();
  }

  /** Reads the log from its start and tries to lead. */
  #seek(): void {
    const { logger } = this.#components;
    this.#replayAndLead().catch((cause: unknown) => {
      if (this.#isStopped) return;
      if (!(cause instanceof BerthError) || !cause.retryable) return this.#fail(cause);
      if (!this.#isLogLost) logger.warn("the log cannot be read; trying on", { cause });
      this.#standing = { mode: "away", refusal: refusals.logUnavailable(cause.message) };
      this.#isLogLost = true;
      this.#retryIn(this.#retryBackoff.takeMs());
    });
  }

  async #replayAndLead(): Promise<void> {
    const { clock, log, logger } = this.#components;
    const startedMs = clock.monotonicMs();
    const replayed = await replayLog(log);
    if (this.#isStopped) return;
    this.#isLogLost = false;
    const { state, lastSeq } = replayed;
    logger.debug("replayed the log", { lastSeq, tookMs: clock.monotonicMs() - startedMs });
    if (this.#ownTerm > 0 && state.term > this.#ownTerm) this.#standBy(replayed);
    else await this.#openTerm(replayed);
  }

  /** Another scheduler took over. Its turn for a while; there is no way to see it end. */
  #standBy({ state }: Replayed): void {
    const { leader, term } = state;
    const waitMs = this.#standbyBackoff.takeMs();
    this.#closeDoors();
    this.#ownTerm = term;
    this.#components.logger.warn("another scheduler leads this cluster", { leader, term, waitMs });
    this.#retryIn(waitMs);
  }

  async #openTerm(replayed: Replayed): Promise<void> {
    const { clock, log } = this.#components;
    const { state, lastSeq, lastHash } = replayed;
    const event = this.#leaderStarted(replayed);
    const header = { seq: lastSeq + 1, term: event.term, atUnixMs: clock.nowUnixMs() };
    const draft = new EntryDraft(header);
    draft.add(encodeEvent(event));
    const bytes = draft.encode(lastHash);
    this.#ownTerm = event.term;
    const outcome = await log.append(bytes, lastSeq);
    if (this.#isStopped) return;
    if (outcome.result !== "appended") return this.#notLeading(outcome, replayed);
    applyEntry(state, draft.seq, decodeEntry({ seq: draft.seq, bytes }, lastHash));
    this.#lead({ state, lastSeq: draft.seq, lastHash: hashEntry(bytes) });
  }

  #leaderStarted({ state }: Replayed): Extract<ClusterEvent, { type: "LeaderStarted" }> {
    const { random, leader, version } = this.#components;
    const minted = `c${random.token(CLUSTER_ID_CHARACTERS)}` as ClusterId;
    const clusterId = state.clusterId ?? minted;
    const term = Math.max(state.term, this.#ownTerm) + 1;
    return { type: "LeaderStarted", clusterId, term, leader, version };
  }

  #lead(replayed: Replayed): void {
    const { logger, clock } = this.#components;
    const reign = new Reign(
      {
        ...this.#components,
        onDurable: () => this.#api.onDurable(),
        onFailure: (failure) => this.#lose(failure),
        onFatal: (cause) => this.#fail(cause),
      },
      replayed,
    );
    const { term, clusterId, nodes, workloads } = replayed.state;
    this.#standing = { mode: "leading", reign };
    this.#ledSinceMs = clock.monotonicMs();
    this.#retryBackoff.reset();
    this.#fullBackoff.reset();
    this.#openDoors();
    logger.info("leading", {
      clusterId,
      term,
      seq: replayed.lastSeq,
      nodes: nodes.size,
      workloads: workloads.size,
    });
  }

  /** The term could not be opened: nothing has been decided in it yet. */
  #notLeading(failure: JournalFailure, replayed: Replayed): void {
    if (failure.result !== "full") return this.#startOver(failure);
    const refusal = refusals.logFull(failure.message);
    if (this.#standing.mode !== "reading") {
      this.#components.logger.warn("the log has no room: reads only", { ...failure });
    }
    this.#standing = { mode: "reading", state: replayed.state, refusal };
    this.#openDoors();
    this.#retryIn(this.#fullBackoff.takeMs());
  }

  /** An append of this reign failed: its state is worth nothing now. */
  #lose(failure: JournalFailure): void {
    const { clock } = this.#components;
    const reignMs = clock.monotonicMs() - this.#ledSinceMs;
    if (reignMs > shellTimings.standbyMaxMs) this.#standbyBackoff.reset();
    this.#startOver(failure);
  }

  #startOver(failure: JournalFailure): void {
    const { logger } = this.#components;
    logger.warn("an append failed: reading the log again", { ...failure });
    this.#goAway(refusalFor(failure));
    this.#retryIn(failure.result === "full" ? 0 : this.#retryBackoff.takeMs());
  }

  #goAway(refusal: ReturnType<typeof refusals.notLeader>): void {
    const before = this.#standing;
    this.#standing = { mode: "away", refusal };
    if (before.mode === "leading") before.reign.end(refusal);
    this.#api.stopWaiting();
  }

  #retryIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#components.clock.after(delayMs, () => {
      this.#timer = null;
      this.#seek();
    });
  }

  #openDoors(): void {
    if (this.#subscriptions.length > 0) return;
    this.#subscriptions = [this.#api.listen(), this.#agents.listen()];
  }

  /** Who does not lead must not answer first. */
  #closeDoors(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  #untilDurable(reign: Reign): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#components.clock.after(STOP_PATIENCE_MS, resolve);
      const finish = () => {
        timer.cancel();
        resolve();
      };
      reign.whenDurable(finish, finish);
    });
  }

  #fail(cause: unknown): void {
    if (this.#isStopped) return;
    this.#end();
    this.#settle.reject(cause);
  }

  #end(): void {
    this.#isStopped = true;
    this.#closeDoors();
    this.#timer?.cancel();
    this.#status?.unsubscribe();
    this.#goAway(refusals.notLeader("it is stopping"));
  }
}

function refusalFor(failure: JournalFailure) {
  switch (failure.result) {
    case "full":
      return refusals.logFull(failure.message);
    case "conflict":
      return refusals.notLeader("another one wrote to the log");
    case "ambiguous":
      return refusals.logUnavailable("an append was not acknowledged");
  }
}

function range(name: "retry" | "standby" | "full"): { minMs: number; maxMs: number } {
  return { minMs: shellTimings[`${name}MinMs`], maxMs: shellTimings[`${name}MaxMs`] };
}

function withResolvers() {
  let settle = { resolve: () => {}, reject: (_cause: unknown) => {} };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
