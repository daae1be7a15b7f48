import { BerthError, LeaseRecord, subjects } from "@berth/protocol";
import type { Bus, Clock, Lease, Logger, Random, Subscription, Timer } from "@berth/runtime";
import { shellTimings } from "./limits.ts";

export interface LeaseKeeperComponents {
  readonly clock: Clock;
  readonly random: Random;
  readonly bus: Bus;
  readonly lease: Lease;
  readonly logger: Logger;
  /** Names this process for people: host name and pid. */
  readonly leader: string;
  /** Whether this process could lead if it had the lease. */
  readonly mayClaim: () => boolean;
  readonly onClaimed: () => void;
  readonly onLost: (why: string) => void;
  /** The lease was looked at, whoever has it. */
  readonly onObserved: () => void;
}

interface Held {
  readonly seq: number;
  readonly untilMs: number;
}

/** What was last seen of the lease while somebody else had it, or nobody. */
interface Observation {
  readonly seq: number;
  readonly record: LeaseRecord | null;
  /** Since when the sequence stands still, on this process's own monotonic clock. */
  readonly sinceMs: number;
  /** It was renewed while this process looked on: its holder is alive, or was at `sinceMs`. */
  readonly isRenewed: boolean;
  /** How often in a row nobody answered under the holder's name. */
  absences: number;
}

const HOLDER_CHARACTERS = 20;

/**
 * Keeps schedulers out of each other's way: one of them holds the lease and tries to write, the
 * others watch. It is a hint. Whoever claims too early, or holds on too long, is refused by the
 * log's sequence guard; so a candidate need not wait for the engine to forget the lease. It claims
 * when the lease is free or given back, when its sequence has stood still for its time to live by
 * the candidate's own clock, or when nobody answers under the holder's name any more: a killed
 * process is replaced in a fraction of a second.
 *
 * The holder counts from before it sent the last acknowledged renewal, less a margin, so that it
 * stops before any candidate's patience ends.
 */
export class LeaseKeeper {
  readonly #components: LeaseKeeperComponents;
  /** This life of this process. */
  readonly #holder: string;
  #held: Held | null = null;
  #observed: Observation | null = null;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #term: number | null = null;
  #presence: Subscription | null = null;
  #isAskingPresence = false;
  #turnTimer: Timer | null = null;
  #expiryTimer: Timer | null = null;
  #isTurning = false;
  #isStopped = false;

  constructor(components: LeaseKeeperComponents) {
    this.#components = components;
    this.#holder = components.random.token(HOLDER_CHARACTERS);
  }

  /** Whether the lease is ours now. */
  get isHeld(): boolean {
    this.expire();
    return this.#held !== null;
  }

  /** Loses the lease here and now if it has run out: a frozen process does not see its timers. */
  expire(): void {
    if (this.#held === null || this.#components.clock.monotonicMs() < this.#held.untilMs) return;
    this.#lose("its lease could not be renewed in time");
  }

  /** Who else has the lease, as last seen; null when nobody is known to. */
  get rival(): LeaseRecord | null {
    if (this.#held !== null || this.#observed === null) return null;
    const { record } = this.#observed;
    return record === null || record.released || record.holder === this.#holder ? null : record;
  }

  /** The term of somebody else who is known to be alive and leads; null when there is none. */
  get rivalTerm(): number | null {
    const { rival } = this;
    const { clock, lease } = this.#components;
    if (rival === null || this.#observed?.isRenewed !== true) return null;
    return clock.monotonicMs() - this.#observed.sinceMs < lease.ttlMs ? rival.term : null;
  }

  /** How long ago the lease was last read or written. */
  get silenceMs(): number {
    return this.#components.clock.monotonicMs() - this.#heardAtMs;
  }

  start(): void {
    const { bus } = this.#components;
    const subject = subjects.schedulerPresence(this.#holder);
    this.#presence = bus.subscribe(subject, ({ respond }) => respond?.({ ok: true, value: null }));
    this.#turnIn(0);
  }

  /** Something has changed: looks at once instead of at the next turn. */
  hurry(): void {
    if (!this.#isStopped && !this.#isTurning) this.#turnIn(0);
  }

  /** The term that this process leads, for others to see. */
  announce(term: number): void {
    this.#term = term;
    this.hurry();
  }

  /** Gives the lease back, so that another one need not wait for it to run out. */
  async release(): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    this.#drop();
    await this.#components.lease.put(this.#record({ released: true }), held.seq);
  }

  stop(): void {
    this.#isStopped = true;
    this.#drop();
    this.#turnTimer?.cancel();
    this.#presence?.unsubscribe();
  }

  #turnIn(delayMs: number): void {
    this.#turnTimer?.cancel();
    this.#turnTimer = this.#components.clock.after(delayMs, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    if (this.#isTurning) return;
    this.#isTurning = true;
    let nextMs = shellTimings.leasePollMs + this.#components.random.below(shellTimings.leasePollMs);
    try {
      if (this.isHeld) nextMs = (await this.#renew()) ? shellTimings.leaseRenewMs : 0;
      else if (await this.#seek()) nextMs = shellTimings.leaseRenewMs;
    } catch (cause) {
      const isExpected = cause instanceof BerthError && cause.retryable;
      this.#components.logger.count("lease", "the lease cannot be read now", { cause });
      if (!isExpected) nextMs = this.#components.lease.ttlMs;
    }
    this.#isTurning = false;
    if (!this.#isStopped) this.#turnIn(nextMs);
  }

  /** Whether all is well; else another look is due at once. */
  async #renew(): Promise<boolean> {
    const { clock, lease } = this.#components;
    const held = this.#held;
    if (held === null) return true;
    const sentAtMs = clock.monotonicMs();
    const outcome = await lease.put(this.#record(), held.seq);
    if (this.#held !== held) return true; // it ran out meanwhile
    if (outcome.result === "stored") this.#hold(outcome.seq, sentAtMs);
    else await this.#lookAgain(held);
    return outcome.result === "stored";
  }

  /** A renewal that may be stored without an answer, an engine that forgot, or another holder. */
  async #lookAgain(held: Held): Promise<void> {
    const { seq, record } = await this.#observe();
    if (this.#held !== held) return;
    if (record === null || record.holder === this.#holder) this.#held = { ...held, seq };
    else this.#lose(`${record.name} has taken the lease`);
  }

  /** Looks at somebody else's lease and claims it if it may. Says whether it has it now. */
  async #seek(): Promise<boolean> {
    const { clock, lease, mayClaim, onObserved } = this.#components;
    const askedAtMs = clock.monotonicMs();
    const observed = await this.#observe();
    if (this.#isStopped) return false;
    onObserved();
    if (!mayClaim()) return false;
    if (!this.#isFree(observed, askedAtMs)) {
      this.#askPresence(observed);
      return false;
    }
    const sentAtMs = clock.monotonicMs();
    const outcome = await lease.put(this.#record(), observed.seq);
    if (outcome.result !== "stored" || this.#isStopped) return false;
    this.#hold(outcome.seq, sentAtMs);
    if (this.isHeld) this.#components.onClaimed();
    return this.#held !== null;
  }

  async #observe(): Promise<Observation> {
    const { clock, lease } = this.#components;
    const { seq, body } = await lease.observe();
    const nowMs = clock.monotonicMs();
    const record = LeaseRecord.safeParse(body).data ?? null;
    const before = this.#observed;
    const isSame = before !== null && before.seq === seq;
    this.#heardAtMs = nowMs;
    this.#observed = {
      seq,
      record,
      sinceMs: isSame ? before.sinceMs : nowMs,
      isRenewed: isSame
        ? before.isRenewed
        : record !== null && before?.record?.holder === record.holder,
      absences: isSame ? before.absences : 0,
    };
    return this.#observed;
  }

  #isFree({ record, sinceMs, absences }: Observation, askedAtMs: number): boolean {
    if (record === null || record.released || record.holder === this.#holder) return true;
    if (absences >= shellTimings.leaseAbsencesMin) return true;
    return askedAtMs - sinceMs > this.#components.lease.ttlMs;
  }

  /** A process that is gone leaves nobody under its name, and the server says so at once. */
  #askPresence({ record }: Observation): void {
    const { bus } = this.#components;
    if (record === null || this.#isAskingPresence) return;
    this.#isAskingPresence = true;
    const timeoutMs = shellTimings.leaseRequestTimeoutMs;
    bus
      .request(subjects.schedulerPresence(record.holder), null, { timeoutMs })
      .then(
        () => false,
        (cause: unknown) =>
          cause instanceof BerthError && cause.code === "unreachable" && bus.status === "connected",
      )
      .then((isAbsent) => {
        this.#isAskingPresence = false;
        const observed = this.#observed;
        if (observed?.record?.holder !== record.holder) return;
        observed.absences = isAbsent ? observed.absences + 1 : 0;
        if (observed.absences >= shellTimings.leaseAbsencesMin) this.hurry();
      })
      .catch((cause: unknown) => this.#components.logger.error("a bug in the lease", { cause }));
  }

  #hold(seq: number, sentAtMs: number): void {
    const { clock, lease } = this.#components;
    const untilMs = sentAtMs + lease.ttlMs - shellTimings.leaseMarginMs;
    this.#held = { seq, untilMs };
    this.#observed = null;
    this.#heardAtMs = clock.monotonicMs();
    this.#expiryTimer?.cancel();
    this.#expiryTimer = clock.after(untilMs - clock.monotonicMs(), () => this.expire());
  }

  #lose(why: string): void {
    if (this.#held === null) return;
    this.#drop();
    this.#components.onLost(why);
  }

  #drop(): void {
    this.#held = null;
    this.#observed = null;
    this.#term = null;
    this.#expiryTimer?.cancel();
  }

  #record(change: { released: boolean } = { released: false }): LeaseRecord {
    const { leader: name } = this.#components;
    return { v: 1, holder: this.#holder, name, term: this.#term, ...change };
  }
}
