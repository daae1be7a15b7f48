import { BerthError } from "@berth/protocol";
import type { Bus, BusStatus, Clock, Message, Subscription } from "@berth/runtime/ports";
import type { Link } from "./link.ts";

/**
 * Core messaging as NATS does it: at most once, to whoever is subscribed at that instant. Every
 * body crosses as text, so that no two simulated processes ever share an object.
 */
export class MessageModel {
  private readonly subscriptions = new Set<ModelSubscription>();
  private nextInbox = 0;
  /** Messages that found their way, for the report. */
  delivered = 0;

  /** The `Bus` port as one client sees it through its link. */
  connect(link: Link, clock: Clock): Bus {
    return new SimulatedBus(this, link, clock);
  }

  inbox(): string {
    this.nextInbox += 1;
    return `_INBOX.${this.nextInbox}`;
  }

  subscribe(subscription: ModelSubscription): () => void {
    this.subscriptions.add(subscription);
    return () => this.subscriptions.delete(subscription);
  }

  /** At the engine: hands a message on to every subscriber; tells whether there was one. */
  route(subject: string, text: string, replyTo: string | null): boolean {
    let found = false;
    for (const subscription of this.subscriptions) {
      if (subscription.link.isClosed || !matches(subscription.pattern, subject)) continue;
      found = true;
      subscription.link.carry("back", () => {
        if (!this.subscriptions.has(subscription)) return;
        this.delivered += 1;
        subscription.receive(subject, text, replyTo);
      });
    }
    return found;
  }
}

interface ModelSubscription {
  readonly pattern: string;
  readonly link: Link;
  readonly receive: (subject: string, text: string, replyTo: string | null) => void;
}

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

  subscribe(subject: string, handle: (message: Message) => void): Subscription {
    const unsubscribe = this.listen(subject, (actual, text, replyTo) => {
      handle({
        subject: actual,
        body: JSON.parse(text),
        respond: replyTo === null ? null : (body) => this.send(replyTo, body, null),
      });
    });
    return { unsubscribe };
  }

  onStatus(listen: (status: BusStatus) => void): Subscription {
    const unsubscribe = this.link.onChange(() => listen(this.status));
    return { unsubscribe: () => void unsubscribe() };
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

  private listen(
    pattern: string,
    receive: (subject: string, text: string, replyTo: string | null) => void,
  ): () => void {
    const unsubscribe = this.model.subscribe({ pattern, link: this.link, receive });
    const end = () => {
      unsubscribe();
      this.mine.delete(end);
    };
    this.mine.add(end);
    return end;
  }
}

/** NATS subject matching: `*` is one token, `>` at the end is one or more. */
export function matches(pattern: string, subject: string): boolean {
  if (pattern === subject) return true;
  const wanted = pattern.split(".");
  const actual = subject.split(".");
  for (const [i, token] of wanted.entries()) {
    if (token === ">") return actual.length > i;
    if (actual[i] === undefined || (token !== "*" && token !== actual[i])) return false;
  }
  return wanted.length === actual.length;
}
