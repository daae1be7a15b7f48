import { BerthError } from "@berth/protocol";
import type { Bus, BusStatus, Clock, Message, Subscription } from "@berth/runtime/ports";
import type { Link } from "./link.ts";

/**
 * Core messaging as NATS does it: at most once, to whoever is subscribed at that instant, and to
 * one of each queue. Every body crosses as text, so that no two simulated processes ever share an
 * object.
 */
export class MessageModel {
  private readonly exact = new Map<string, Set<ModelSubscription>>();
  private readonly patterns = new Set<ModelSubscription>();
  private readonly onDelivered: (subject: string, link: Link) => void;
  private nextInbox = 0;
  private turns = 0;

  /** `onDelivered` sees every message that found its way to a client. */
  constructor(onDelivered: (subject: string, link: Link) => void = () => {}) {
    this.onDelivered = onDelivered;
  }

  /** The `Bus` port as one client sees it through its link. */
  connect(link: Link, clock: Clock): Bus {
    return new SimulatedBus(this, link, clock);
  }

  inbox(): string {
    this.nextInbox += 1;
    return `_INBOX.${this.nextInbox}`;
  }

  subscribe(subscription: ModelSubscription): () => void {
    const { pattern } = subscription;
    const isPattern = pattern.includes("*") || pattern.includes(">");
    const own = isPattern ? this.patterns : (this.exact.get(pattern) ?? new Set());
    if (!isPattern) this.exact.set(pattern, own);
    own.add(subscription);
    return () => {
      subscription.isEnded = true;
      own.delete(subscription);
      if (!isPattern && own.size === 0) this.exact.delete(pattern);
    };
  }

  /** At the engine: hands a message on to every subscriber; tells whether there was one. */
  route(subject: string, text: string, replyTo: string | null): boolean {
    const queues = new Map<string, ModelSubscription[]>();
    let found = false;
    for (const subscription of this.interested(subject)) {
      found = true;
      const { queue } = subscription;
      if (queue === null) this.handOn(subscription, subject, text, replyTo);
      else queues.set(queue, [...(queues.get(queue) ?? []), subscription]);
    }
    for (const members of queues.values()) {
      this.turns += 1;
      const chosen = members[this.turns % members.length];
      if (chosen !== undefined) this.handOn(chosen, subject, text, replyTo);
    }
    return found;
  }

  private *interested(subject: string): Generator<ModelSubscription> {
    for (const subscription of this.exact.get(subject) ?? []) {
      if (!subscription.link.isClosed) yield subscription;
    }
    if (subject.startsWith("_INBOX")) return; // nobody listens to others' answers
    const tokens = subject.split(".");
    for (const subscription of this.patterns) {
      if (!subscription.link.isClosed && matches(subscription.tokens, tokens)) yield subscription;
    }
  }

  private handOn(
    subscription: ModelSubscription,
    subject: string,
    text: string,
    replyTo: string | null,
  ): void {
    subscription.link.carry("back", () => {
      if (subscription.isEnded) return;
      this.onDelivered(subject, subscription.link);
      subscription.receive(subject, text, replyTo);
    });
  }
}

interface ModelSubscription {
  readonly pattern: string;
  readonly tokens: readonly string[];
  /** Null: it gets everything. */
  readonly queue: string | null;
  readonly link: Link;
  readonly receive: Receive;
  isEnded: boolean;
}

type Receive = (subject: string, text: string, replyTo: string | null) => void;

class SimulatedBus implements Bus {
  private readonly model: MessageModel;
  private readonly link: Link;
  private readonly clock: Clock;
  private readonly mine = new Set<() => void>();
  private closed = false;

  constructor(model: MessageModel, link: Link, clock: Clock) {
    this.model = model;
    this.link = link;
    this.clock = clock;
  }

  get status(): BusStatus {
    if (this.closed || this.link.isClosed) return "closed";
    return this.link.isUp ? "connected" : "disconnected";
  }

  publish(subject: string, body: unknown): void {
    this.send(subject, body, null);
  }

  request(subject: string, body: unknown, options: { timeoutMs: number }): Promise<unknown> {
    if (this.status !== "connected") {
      return Promise.reject(new BerthError("unreachable", "not connected", { retryable: true }));
    }
    return new Promise((resolve, reject) => {
      const inbox = this.model.inbox();
      const done = () => {
        timeout.cancel();
        unsubscribe();
      };
      const timeout = this.clock.after(options.timeoutMs, () => {
        done();
        reject(new BerthError("timeout", `no answer on ${subject}`, { retryable: true }));
      });
      const unsubscribe = this.listen(inbox, (_subject, text) => {
        done();
        resolve(JSON.parse(text));
      });
      this.send(subject, body, inbox, () => {
        done();
        reject(new BerthError("unreachable", `nobody serves ${subject}`, { retryable: true }));
      });
    });
  }

  subscribe(
    subject: string,
    handle: (message: Message) => void,
    { queue }: { readonly queue?: string } = {},
  ): Subscription {
    const receive: Receive = (actual, text, replyTo) => {
      handle({
        subject: actual,
        body: JSON.parse(text),
        respond: replyTo === null ? null : (body) => this.send(replyTo, body, null),
      });
    };
    return { unsubscribe: this.listen(subject, receive, queue) };
  }

  onStatus(listen: (status: BusStatus) => void): Subscription {
    return { unsubscribe: this.link.onChange(() => listen(this.status)) };
  }

  close(): Promise<void> {
    this.closed = true;
    for (const unsubscribe of this.mine) unsubscribe();
    this.mine.clear();
    return Promise.resolve();
  }

  private send(
    subject: string,
    body: unknown,
    replyTo: string | null,
    onNobody?: () => void,
  ): void {
    if (this.status !== "connected") return;
    const text = JSON.stringify(body);
    this.link.carry("there", () => {
      const found = this.model.route(subject, text, replyTo);
      if (!found && onNobody) this.link.carry("back", onNobody);
    });
  }

  private listen(pattern: string, receive: Receive, queue: string | null = null): () => void {
    const { link } = this;
    const subscription = { pattern, tokens: pattern.split("."), queue, link, receive };
    const unsubscribe = this.model.subscribe({ ...subscription, isEnded: false });
    const end = () => {
      unsubscribe();
      this.mine.delete(end);
    };
    this.mine.add(end);
    return end;
  }
}

/** NATS subject matching by tokens: `*` is one, `>` at the end is one or more. */
export function matches(pattern: readonly string[], subject: readonly string[]): boolean {
  for (let i = 0; i < pattern.length; i += 1) {
    if (pattern[i] === ">") return subject.length > i;
    if (subject[i] === undefined || (pattern[i] !== "*" && pattern[i] !== subject[i])) return false;
  }
  return pattern.length === subject.length;
}
