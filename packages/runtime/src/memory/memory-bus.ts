import { BerthError } from "@berth/protocol";
import { type Logger, loggerTo } from "../logger.ts";
import type { Bus, BusStatus, Clock, Message, Subscription } from "../ports.ts";
import { subjectMatches } from "./subject-matches.ts";

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /**
   * Carries out one delivery later, never within the call. Default: the clock, with no delay. A
   * simulation puts delay, loss and partitions here; deliveries must keep their order per link.
   */
  readonly deliver?: (delivery: Delivery) => void;
  readonly logger?: Logger;
}

/** One message on its way from one client to another. */
export interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly run: () => void;
}

/** A server in memory: every bus it hands out reaches every other. */
export interface MemoryNetwork {
  connect(name: string): MemoryBus;
}

export function memoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  const { clock, logger = loggerTo(() => {}) } = options;
  const deliver = options.deliver ?? (({ run }: Delivery) => void clock.after(0, run));
  const clients = new Set<MemoryBus>();
  const surroundings = { clock, logger, deliver, clients, turns: { taken: 0 } };
  return { connect: (name) => new MemoryBus(name, surroundings) };
}

interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deliver: (delivery: Delivery) => void;
  readonly clients: Set<MemoryBus>;
  /** Counts messages to queues, so that their members take turns. */
  readonly turns: { taken: number };
}

interface Handler {
  readonly subject: string;
  readonly handle: (message: Message) => void;
  readonly queue: string | undefined;
}

interface Receiver {
  readonly client: MemoryBus;
  readonly handler: Handler;
}

/** Takes an answer back to who asked. */
type Reply = (answerer: MemoryBus, text: string) => void;

/** One client. Bodies travel as JSON text, as they do in reality: no object is ever shared. */
export class MemoryBus implements Bus {
  readonly #name: string;
  readonly #surroundings: Surroundings;
  readonly #handlers = new Set<Handler>();
  readonly #listeners = new Set<(status: BusStatus) => void>();
  /** Requests that wait for an answer. */
  readonly #waiting = new Set<(cause: BerthError) => void>();
  #status: BusStatus = "connected";

  constructor(name: string, surroundings: Surroundings) {
    this.#name = name;
    this.#surroundings = surroundings;
    surroundings.clients.add(this);
  }

  get status(): BusStatus {
    return this.#status;
  }

  publish(subject: string, body: unknown): void {
    if (this.#status === "connected") this.#send(subject, encode(body), null);
  }

  request(subject: string, body: unknown, { timeoutMs }: { timeoutMs: number }): Promise<unknown> {
    if (this.#status !== "connected") {
      return Promise.reject(failure("unreachable", `not connected (${this.#status})`));
    }
    return new Promise((resolve, reject) => {
      const fail = (cause: BerthError) => {
        timer.cancel();
        this.#waiting.delete(fail);
        reject(cause);
      };
      const timer = this.#surroundings.clock.after(timeoutMs, () =>
        fail(failure("timeout", `no answer to ${subject} within ${timeoutMs} ms`)),
      );
      this.#waiting.add(fail);
      const receivers = this.#send(subject, encode(body), (answerer, text) => {
        answerer.#deliverTo(this, subject, () => {
          if (!this.#waiting.delete(fail)) return;
          timer.cancel();
          resolve(JSON.parse(text));
        });
      });
      if (receivers === 0) fail(failure("unreachable", `nobody answers ${subject}`));
    });
  }

  subscribe(
    subject: string,
    handle: (message: Message) => void,
    { queue }: { readonly queue?: string } = {},
  ): Subscription {
    return addTo(this.#handlers, { subject, handle, queue });
  }

  onStatus(listen: (status: BusStatus) => void): Subscription {
    return addTo(this.#listeners, listen);
  }

  close(): Promise<void> {
    this.#setStatus("closed");
    this.#surroundings.clients.delete(this);
    return Promise.resolve();
  }

  /** Cuts this client off, or lets it back: what a network partition does to one host. */
  setConnected(isConnected: boolean): void {
    this.#setStatus(isConnected ? "connected" : "disconnected");
  }

  /** Sends to all who listen, and says how many they are. */
  #send(subject: string, text: string, reply: Reply | null): number {
    const receivers = this.#receiversOf(subject);
    for (const { client, handler } of receivers) {
      this.#deliverTo(client, subject, () => client.#receive(handler, subject, text, reply));
    }
    return receivers.length;
  }

  /** Everyone who listens, and of each queue the one whose turn it is. */
  #receiversOf(subject: string): Receiver[] {
    const receivers: Receiver[] = [];
    const queues = new Map<string, Receiver[]>();
    for (const client of this.#surroundings.clients) {
      if (client.#status !== "connected") continue;
      for (const handler of client.#handlers) {
        if (!subjectMatches(handler.subject, subject)) continue;
        const { queue } = handler;
        if (queue === undefined) receivers.push({ client, handler });
        else queues.set(queue, [...(queues.get(queue) ?? []), { client, handler }]);
      }
    }
    const { turns } = this.#surroundings;
    for (const members of queues.values()) {
      turns.taken += 1;
      const member = members[turns.taken % members.length];
      if (member !== undefined) receivers.push(member);
    }
    return receivers;
  }

  #deliverTo(to: MemoryBus, subject: string, arrive: () => void): void {
    if (this.#status !== "connected") return;
    const run = () => {
      if (to.#status === "connected") arrive();
    };
    this.#surroundings.deliver({ from: this.#name, to: to.#name, subject, run });
  }

  #receive(handler: Handler, subject: string, text: string, reply: Reply | null): void {
    if (!this.#handlers.has(handler)) return;
    const respond = reply === null ? null : once((body) => reply(this, encode(body)));
    try {
      handler.handle({ subject, body: JSON.parse(text), respond });
    } catch (error) {
      this.#surroundings.logger.count(`handler ${subject}`, "a message handler threw", { error });
    }
  }

  #setStatus(status: BusStatus): void {
    if (this.#status === status || this.#status === "closed") return;
    this.#status = status;
    if (status !== "connected") {
      for (const fail of this.#waiting) fail(failure("timeout", "the connection was lost"));
    }
    for (const listen of this.#listeners) listen(status);
  }
}

function encode(body: unknown): string {
  return JSON.stringify(body ?? null);
}

function once(run: (body: unknown) => void): (body: unknown) => void {
  let isDone = false;
  return (body) => {
    if (isDone) return;
    isDone = true;
    run(body);
  };
}

function addTo<T>(set: Set<T>, item: T): Subscription {
  set.add(item);
  return { unsubscribe: () => void set.delete(item) };
}

function failure(code: "timeout" | "unreachable", message: string): BerthError {
  return new BerthError(code, message, { retryable: true });
}
