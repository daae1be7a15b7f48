import { BerthError, type ClusterEvent, type ClusterId, type WireError } from "@berth/protocol";
import type {
  Bus,
  Clock,
  Lease,
  Log,
  Logger,
  Random,
  SnapshotStore,
  Storage,
  Subscription,
  Timer,
} from "@berth/runtime";
import { AgentService } from "./agent-service.ts";
import { ApiService } from "./api-service.ts";
import { Backoff } from "./backoff.ts";
import { Doors } from "./doors.ts";
import type { JournalFailure } from "./entry-journal.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { shellTimings } from "./limits.ts";
import { encodeEvent, EntryDraft } from "./log-codec.ts";
import { recoverState } from "./recover-state.ts";
import { refusals } from "./refusal.ts";
import { Reign } from "./reign.ts";
import type { Replayed } from "./replay-log.ts";
import { Replica } from "./replica.ts";
import type { Standing } from "./standing.ts";

export interface SchedulerComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly bus: Bus;
  readonly log: Log;
  readonly lease: Lease;
  /** Where snapshots may be found; without any the log is read from its first entry. */
  readonly snapshots?: readonly SnapshotStore[] | undefined;
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
 * One of any number of schedulers of a cluster. It reads the log and keeps up with it; the one that
 * has the lease opens a term of its own and decides, until an append fails or the lease is lost. The
 * log's sequence guard decides who may write; the lease only who tries, and everything else here is
 * about answering honestly meanwhile.
 *
 *     away ──the log is read──▶ following ──lease claimed, LeaderStarted appended──▶ leading
 *       ▲                           ▲                                              │    │
 *       │                           └──lease lost, nothing unacknowledged──────────┘    │
 *       └──an append failed, or the lease was lost with changes under way───────────────┘
 */
export class Scheduler {
  /** Resolves after `stop`; rejects on a bug or a log that nobody can read. */
  readonly done: Promise<void>;
  readonly #components: SchedulerComponents;
  readonly #api: ApiService;
  readonly #doors: Doors;
  readonly #keeper: LeaseKeeper;
  readonly #retryBackoff: Backoff;
  readonly #fullBackoff: Backoff;
  #standing: Standing = { mode: "away", refusal: refusals.notLeader("it has just started") };
  /** Not null while following: the state that the next reign starts from. */
  #replica: Replica | null = null;
  #status: Subscription | null = null;
  #timer: Timer | null = null;
  #isOpeningTerm = false;
  #hasLed = false;
  #isLogLost = false;
  #isStopped = false;
  readonly #settle: { resolve: () => void; reject: (cause: unknown) => void };

  constructor(components: SchedulerComponents) {
    const { random, bus, clock, logger, storage } = components;
    const services = {
      bus,
      clock,
      logger,
      storage,
      standing: () => this.standing,
      isReady: () => this.#isReady(),
      silenceMs: () => this.#keeper.silenceMs,
    };
    const { promise, resolve, reject } = withResolvers();
    this.done = promise;
    this.#settle = { resolve, reject };
    this.#components = components;
    this.#api = new ApiService(services);
    const agents = new AgentService(services);
    this.#doors = new Doors({
      listenToReads: () => this.#api.listenToReads(),
      listenToWrites: () => [this.#api.listenToWrites(), agents.listen()],
    });
    this.#keeper = new LeaseKeeper({
      ...components,
      mayClaim: () => this.#replica !== null,
      onClaimed: () => this.#lead(),
      onLost: (why) => this.#stepDown(why),
      onObserved: () => this.#arrangeDoors(),
    });
    this.#retryBackoff = new Backoff(random, range("retry"));
    this.#fullBackoff = new Backoff(random, range("full"));
  }

  /** A leader whose lease has run out, perhaps while it was frozen, is none from this call on. */
  get standing(): Standing {
    this.#keeper.expire();
    return this.#standing;
  }

  start(): void {
    this.#status = this.#components.bus.onStatus((status) => {
      if (status !== "connected") return;
      this.#keeper.hurry();
      // No need to sit out the wait for a log that was unreachable until now.
      if (this.#isLogLost && this.#timer !== null) this.#retryIn(0);
    });
    this.#keeper.start();
    this.#read();
  }

  /** Lets what is on its way to the log arrive, answers it, hands over, and ends. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#doors.close();
    if (this.#standing.mode === "leading") await this.#untilDurable(this.#standing.reign);
    await this.#keeper.release();
    this.#end();
    this.#settle.resolve();
  }

  /** Reads the log and follows it from there. */
  #read(): void {
    const { logger } = this.#components;
    this.#readAndFollow().catch((cause: unknown) => {
      if (this.#isStopped) return;
      if (!(cause instanceof BerthError) || !cause.retryable) return this.#fail(cause);
      if (!this.#isLogLost) logger.warn("the log cannot be read; trying on", { cause });
      this.#standing = { mode: "away", refusal: refusals.logUnavailable(cause.message) };
      this.#isLogLost = true;
      this.#retryIn(this.#retryBackoff.takeMs());
    });
  }

  async #readAndFollow(): Promise<void> {
    const { clock, log, logger, snapshots = [] } = this.#components;
    const startedMs = clock.monotonicMs();
    const recovered = await recoverState({ log, logger, snapshots });
    if (this.#isStopped) return;
    this.#isLogLost = false;
    const tookMs = clock.monotonicMs() - startedMs;
    const { lastSeq, snapshotSeq } = recovered;
    logger.debug("read the log", { lastSeq, snapshotSeq, tookMs });
    this.#follow(recovered, refusals.notLeader("it does not lead"));
    if (this.#keeper.isHeld) this.#lead();
    else this.#keeper.hurry();
  }

  #follow(position: Replayed, refusal: WireError): void {
    const { log } = this.#components;
    const replica: Replica = new Replica(
      {
        log,
        onEntry: (seq) => this.#api.onProgress(seq),
        onBroken: (cause) => this.#loseTrack(replica, cause),
      },
      position,
    );
    this.#replica = replica;
    this.#standing = { mode: "following", state: replica.state, refusal };
    this.#arrangeDoors();
    replica.follow();
  }

  /** The log does not go on where this replica is: it has to be read anew. */
  #loseTrack(replica: Replica, cause: unknown): void {
    if (this.#replica !== replica) return;
    this.#components.logger.warn("the log cannot be followed: reading it again", { cause });
    this.#goAway(refusals.notLeader("it is reading the log again"));
    this.#retryIn(this.#retryBackoff.takeMs());
  }

  /** Opens a term, as long as the lease is held and it takes. */
  #lead(): void {
    this.#arrangeDoors();
    if (this.#isOpeningTerm || this.#replica === null) return;
    this.#isOpeningTerm = true;
    this.#openTerm(this.#replica)
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => {
        this.#isOpeningTerm = false;
      });
  }

  /**
   * Nothing is decided in a term before its `LeaderStarted` is in the log, so that a failed attempt
   * costs nothing: the replica follows on and finds out what happened.
   */
  async #openTerm(replica: Replica): Promise<void> {
    const { clock, log } = this.#components;
    replica.pause();
    const { lastSeq, lastHash } = replica.position;
    const event = this.#leaderStarted(replica);
    const seq = lastSeq + 1;
    const draft = new EntryDraft({ seq, term: event.term, atUnixMs: clock.nowUnixMs() });
    draft.add(encodeEvent(event));
    const bytes = draft.encode(lastHash);
    const outcome = await log.append(bytes, lastSeq);
    if (this.#isStopped || this.#replica !== replica) return;
    if (outcome.result === "appended") replica.take({ seq, bytes });
    if (outcome.result === "appended" && this.#keeper.isHeld) return this.#reignOver(replica);
    replica.follow();
    this.#api.onProgress(replica.position.lastSeq);
    if (outcome.result !== "appended") this.#postponeTerm(outcome);
  }

  #postponeTerm(failure: JournalFailure): void {
    const { logger } = this.#components;
    switch (failure.result) {
      case "full":
        if (this.#standing.mode === "following" && this.#standing.refusal.code !== "log.full") {
          logger.warn("the log has no room: reads only", { ...failure });
        }
        this.#refuseWith(refusals.logFull(failure.message));
        return this.#retryIn(this.#fullBackoff.takeMs());
      case "conflict":
        return this.#retryIn(shellTimings.conflictRetryMs);
      case "ambiguous":
        this.#refuseWith(refusalFor(failure));
        return this.#retryIn(this.#retryBackoff.takeMs());
    }
  }

  #refuseWith(refusal: WireError): void {
    if (this.#standing.mode === "following") this.#standing = { ...this.#standing, refusal };
  }

  #leaderStarted({ state }: Replica): Extract<ClusterEvent, { type: "LeaderStarted" }> {
    const { random, leader, version } = this.#components;
    const minted = `c${random.token(CLUSTER_ID_CHARACTERS)}` as ClusterId;
    const clusterId = state.clusterId ?? minted;
    return { type: "LeaderStarted", clusterId, term: state.term + 1, leader, version };
  }

  #reignOver(replica: Replica): void {
    const { logger } = this.#components;
    const { position } = replica;
    const { term, clusterId, nodes, workloads } = position.state;
    this.#replica = null;
    this.#hasLed = true;
    this.#retryBackoff.reset();
    this.#fullBackoff.reset();
    const reign: Reign = new Reign(
      {
        ...this.#components,
        mayAct: () => this.#keeper.isHeld,
        onDurable: (seq) => this.#api.onProgress(seq),
        onFailure: (failure) => this.#startOver(failure),
        onFatal: (cause) => this.#fail(cause),
      },
      position,
    );
    this.#standing = { mode: "leading", reign };
    this.#keeper.announce(term);
    this.#arrangeDoors();
    logger.info("leading", {
      clusterId,
      term,
      seq: position.lastSeq,
      nodes: nodes.size,
      workloads: workloads.size,
    });
  }

  /** The lease is lost. What is not in the log yet may be there or not: it is read again then. */
  #stepDown(why: string): void {
    this.#arrangeDoors();
    if (this.#standing.mode !== "leading") return;
    this.#components.logger.warn("no longer leading", { why });
    const refusal = refusals.notLeader(why);
    const position = this.#standing.reign.end(refusal);
    if (position !== null) return this.#follow(position, refusal);
    this.#goAway(refusal);
    this.#retryIn(0);
  }

  /** An append of this reign failed: its state is worth nothing now. */
  #startOver(failure: JournalFailure): void {
    this.#components.logger.warn("an append failed: reading the log again", { ...failure });
    this.#goAway(refusalFor(failure));
    if (failure.result === "full") return this.#retryIn(0);
    // A hot standby is ready sooner than a log is read.
    void this.#keeper.release();
    this.#retryIn(this.#retryBackoff.takeMs());
  }

  #goAway(refusal: WireError): void {
    const before = this.#standing;
    this.#standing = { mode: "away", refusal };
    if (before.mode === "leading") before.reign.end(refusal);
    this.#replica?.pause();
    this.#replica = null;
    this.#api.stopWaiting();
    this.#arrangeDoors();
  }

  /** Tries again, from wherever it stands by then. */
  #retryIn(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#components.clock.after(delayMs, () => {
      this.#timer = null;
      if (this.#standing.mode === "away") this.#read();
      else if (this.#standing.mode === "following" && this.#keeper.isHeld) this.#lead();
    });
  }

  /**
   * Who has a state answers reads. Writes are answered by who has the lease, so that nobody else's
   * refusal comes first; and while nobody has it, by a former leader that can say why.
   */
  #arrangeDoors(): void {
    const { isHeld } = this.#keeper;
    const { mode } = this.#standing;
    const knowsWhy = mode === "away" && this.#hasLed && this.#keeper.rival === null;
    this.#doors.arrange({ reads: mode !== "away", writes: isHeld || knowsWhy });
  }

  /** Whether some scheduler accepts writes, as far as this one knows. */
  #isReady(): boolean {
    const { standing } = this;
    if (standing.mode !== "following") return standing.mode === "leading";
    return this.#keeper.rivalTerm === standing.state.term;
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
    this.#doors.close();
    this.#goAway(refusals.notLeader("it is stopping"));
    this.#keeper.stop();
    this.#timer?.cancel();
    this.#status?.unsubscribe();
  }
}

function refusalFor(failure: JournalFailure): WireError {
  switch (failure.result) {
    case "full":
      return refusals.logFull(failure.message);
    case "conflict":
      return refusals.notLeader("another one wrote to the log");
    case "ambiguous":
      return refusals.logUnavailable("an append was not acknowledged");
  }
}

function range(name: "retry" | "full"): { minMs: number; maxMs: number } {
  return { minMs: shellTimings[`${name}MinMs`], maxMs: shellTimings[`${name}MaxMs`] };
}

function withResolvers() {
  let settle = { resolve: () => {}, reject: (_cause: unknown) => {} };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...settle };
}
