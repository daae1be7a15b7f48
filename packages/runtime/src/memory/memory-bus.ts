import { BerthError } from "@berth/protocol";
import { type Logger, loggerTo } from "../logger.ts";
import type { Bus, BusStatus, Clock, Message, Subscription } from "../ports.ts";
import { subjectMatches } from "./subject-matches.ts";

export interface MemoryBusOptions {
  readonly clock: Clock;
  /**
   * Carries out one delivery later, never within the call. Default: the clock, with no delay. A
   * simulation puts delay, loss and partitions here; deliveries must keep their order per link.
   */
  readonly deliver?: (delivery: Delivery) => void;
  readonly logger?: Logger;
}

/** One message on its way from one client of the bus to another. */
export interface Delivery {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly run: () => void;
}

interface Client {
  readonly name: string;
  readonly handlers: Set<{ subject: string; handle: (message: Message) => void }>;
  status: BusStatus;
  /** Requests that wait for an answer, to be failed when the connection is lost. */
  readonly waiting: Set<(cause: BerthError) => void>;
  readonly listeners: Set<(status: BusStatus) => void>;
}

export interface MemoryBus extends Bus {
  /** Cuts this client off, or lets it back: what a network partition does to one host. */
  setConnected(isConnected: boolean): void;
}

/** A server in memory: every bus it hands out reaches every other. */
export interface MemoryNetwork {
  connect(name: string): MemoryBus;
}

/** Bodies travel as JSON text, exactly as they do in reality: no object is ever shared. */
export function memoryNetwork(options: MemoryBusOptions): MemoryNetwork {
  const clients = new Set<Client>();
  const { clock } = options;
  const logger = options.logger ?? loggerTo(() => {});
  const deliver = options.deliver ?? (({ run }: Delivery) => void clock.after(0, run));

  /** Sends to all who listen; the number of them. */
  function send(from: Client, subject: string, text: string, reply: Reply | null): number {
    let receivers = 0;
    for (const to of clients) {
      if (to.status !== "connected") continue;
      for (const handler of to.handlers) {
        if (!subjectMatches(handler.subject, subject)) continue;
        receivers += 1;
        const run = () => {
          if (to.status !== "connected" || !to.handlers.has(handler)) return;
          const respond = reply === null ? null : once((body) => reply(to, encode(body)));
          handOver(logger, handler.handle, { subject, body: JSON.parse(text), respond });
        };
        deliver({ from: from.name, to: to.name, subject, run });
      }
    }
    return receivers;
  }

  function request(
    client: Client,
    subject: string,
    body: unknown,
    timeoutMs: number,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (cause: BerthError) => {
        timer.cancel();
        client.waiting.delete(fail);
        reject(cause);
      };
      const timer = clock.after(timeoutMs, () =>
        fail(failure("timeout", `no answer to ${subject} within ${timeoutMs} ms`)),
      );
      client.waiting.add(fail);
      const reply: Reply = (answerer, text) => {
        const run = () => {
          if (!client.waiting.delete(fail)) return;
          timer.cancel();
          resolve(JSON.parse(text));
        };
        if (answerer.status === "connected") {
          deliver({ from: answerer.name, to: client.name, subject, run });
        }
      };
      if (send(client, subject, encode(body), reply) === 0) {
        fail(failure("unreachable", `nobody answers ${subject}`));
      }
    });
  }

  function setStatus(client: Client, status: BusStatus): void {
    if (client.status === status || client.status === "closed") return;
    client.status = status;
    if (status !== "connected") {
      for (const fail of [...client.waiting]) fail(failure("timeout", "the connection was lost"));
    }
    for (const listen of client.listeners) listen(status);
  }

  function connect(name: string): MemoryBus {
    const client: Client = {
      name,
      handlers: new Set(),
      status: "connected",
      waiting: new Set(),
      listeners: new Set(),
    };
    clients.add(client);
    return {
      get status() {
        return client.status;
      },
      publish(subject, body) {
        if (client.status === "connected") send(client, subject, encode(body), null);
      },
      async request(subject, body, { timeoutMs }) {
        if (client.status !== "connected") throw failure("unreachable", "not connected");
        return request(client, subject, body, timeoutMs);
      },
      subscribe: (subject, handle) => addTo(client.handlers, { subject, handle }),
      onStatus: (listen) => addTo(client.listeners, listen),
      async close() {
        setStatus(client, "closed");
        clients.delete(client);
      },
      setConnected: (isConnected) => setStatus(client, isConnected ? "connected" : "disconnected"),
    };
  }
  return { connect };
}

type Reply = (answerer: Client, text: string) => void;

function handOver(logger: Logger, handle: (message: Message) => void, message: Message): void {
  try {
    handle(message);
  } catch (error) {
    logger.count(`handler ${message.subject}`, "a message handler threw", { error });
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
