import { BerthError } from "@berth/protocol";
import {
  ErrorCode,
  Events,
  type Msg,
  type NatsConnection,
  NatsError,
  type Subscription as NatsSubscription,
} from "nats";
import type { Logger } from "../logger.ts";
import type { Bus, BusStatus, Message, Subscription } from "../ports.ts";

const FLUSH_TIMEOUT_MS = 2_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Handler {
  readonly subject: string;
  readonly handle: (message: Message) => void;
  readonly queue: string | undefined;
  native: NatsSubscription | null;
}

/**
 * The bus over one NATS connection. The client library buffers while it is disconnected and drops
 * the buffer at the next dial without a word; here nothing is sent then, and what waits for an
 * answer is told at once instead of running into its timeout.
 */
export class NatsBus implements Bus {
  readonly inboxPrefix: string;
  readonly #logger: Logger;
  readonly #handlers = new Set<Handler>();
  readonly #listeners = new Set<(status: BusStatus) => void>();
  readonly #waiting = new Set<(cause: BerthError) => void>();
  #status: BusStatus = "disconnected";
  #connection: NatsConnection | null = null;

  constructor(options: { readonly inboxPrefix: string; readonly logger: Logger }) {
    this.inboxPrefix = options.inboxPrefix;
    this.#logger = options.logger;
  }

  get status(): BusStatus {
    return this.#status;
  }

  /** For the other adapters of this package only. Null before the first connect and after close. */
  get connection(): NatsConnection | null {
    return this.#connection;
  }

  /** Takes over an established connection: called once, by `connect.ts`. */
  attach(connection: NatsConnection): void {
    if (this.#status === "closed") {
      void connection.close();
      return;
    }
    this.#connection = connection;
    for (const handler of this.#handlers) this.#listen(connection, handler);
    this.#setStatus("connected");
    void this.#follow(connection);
    void connection.closed().then(() => {
      this.#setStatus("closed");
    });
  }

  publish(subject: string, body: unknown): void {
    if (this.#status !== "connected" || this.#connection === null) return;
    this.#send(this.#connection, subject, body);
  }

  async request(subject: string, body: unknown, options: { timeoutMs: number }): Promise<unknown> {
    const connection = this.#connection;
    if (this.#status !== "connected" || connection === null) throw this.#notConnected();
    const request = connection.request(subject, encodeJson(body), { timeout: options.timeoutMs });
    const reply = await this.untilLost(request).catch((cause: unknown) => {
      throw requestError(subject, options.timeoutMs, cause);
    });
    const decoded = decodeJson(reply.data);
    if (decoded === MALFORMED) {
      throw new BerthError("invalid", `the answer on ${subject} is not JSON`);
    }
    return decoded;
  }

  subscribe(
    subject: string,
    handle: (message: Message) => void,
    { queue }: { readonly queue?: string } = {},
  ): Subscription {
    const handler: Handler = { subject, handle, queue, native: null };
    this.#handlers.add(handler);
    if (this.#connection !== null && this.#status !== "closed") {
      this.#listen(this.#connection, handler);
    }
    return {
      unsubscribe: () => {
        this.#handlers.delete(handler);
        if (this.#status !== "closed") handler.native?.unsubscribe();
        handler.native = null;
      },
    };
  }

  onStatus(listen: (status: BusStatus) => void): Subscription {
    this.#listeners.add(listen);
    return { unsubscribe: () => void this.#listeners.delete(listen) };
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (connection !== null && this.#status === "connected") {
      const flushed = this.untilLost(connection.flush()).catch(() => undefined);
      await Promise.race([flushed, elapsed(FLUSH_TIMEOUT_MS)]);
    }
    this.#setStatus("closed");
    await connection?.close();
  }

  /** Settles as `promise` does, or rejects at once when the connection is lost meanwhile. */
  untilLost<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.then(resolve, reject).finally(() => this.#waiting.delete(reject));
    });
  }

  #listen(connection: NatsConnection, handler: Handler): void {
    handler.native = connection.subscribe(handler.subject, {
      ...(handler.queue === undefined ? {} : { queue: handler.queue }),
      callback: (error, message) => {
        if (error === null) this.#receive(connection, handler, message);
        else this.#logger.count("nats.subscription", "subscription failed", { error });
      },
    });
  }

  #receive(connection: NatsConnection, handler: Handler, message: Msg): void {
    const { subject } = message;
    const reply = message.reply || null; // the library says "" for none
    const body = decodeJson(message.data);
    if (body === MALFORMED) {
      this.#logger.count(`malformed ${subject}`, "dropped a message that is not JSON", { subject });
      return;
    }
    let isAnswered = false;
    const respond = (answer: unknown) => {
      if (isAnswered || reply === null || this.#status !== "connected") return;
      isAnswered = true;
      this.#send(connection, reply, answer);
    };
    try {
      handler.handle({ subject, body, respond: reply === null ? null : respond });
    } catch (error) {
      this.#logger.count(`handler ${handler.subject}`, "a message handler threw", { error });
    }
  }

  #send(connection: NatsConnection, subject: string, body: unknown): void {
    try {
      connection.publish(subject, encodeJson(body));
    } catch (error) {
      this.#logger.count(`publish ${subject}`, "dropped a message that cannot be sent", {
        subject,
        error,
      });
    }
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type, data } of connection.status()) {
      if (type === Events.Disconnect) this.#setStatus("disconnected");
      if (type === Events.Reconnect) this.#setStatus("connected");
      if (type === Events.Error) this.#logger.count("nats.error", "nats error", { data });
    }
  }

  #setStatus(status: BusStatus): void {
    if (this.#status === status || this.#status === "closed") return;
    this.#status = status;
    if (status !== "connected") {
      const lost = new BerthError("timeout", "the connection was lost before an answer came", {
        retryable: true,
      });
      for (const reject of this.#waiting) reject(lost);
      this.#waiting.clear();
    }
    for (const listen of this.#listeners) {
      try {
        listen(status);
      } catch (error) {
        this.#logger.count("nats.status", "a status listener threw", { error });
      }
    }
  }

  #notConnected(): BerthError {
    return new BerthError("unreachable", `not connected to NATS (${this.#status})`, {
      retryable: true,
    });
  }
}

const MALFORMED = Symbol("not JSON");

function encodeJson(body: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(body ?? null));
}

function decodeJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(data));
  } catch {
    return MALFORMED;
  }
}

function requestError(subject: string, timeoutMs: number, cause: unknown): unknown {
  if (!(cause instanceof NatsError)) return cause;
  switch (cause.code) {
    case ErrorCode.NoResponders:
      return new BerthError("unreachable", `nobody answers ${subject}`, { retryable: true, cause });
    case ErrorCode.Timeout:
      return new BerthError("timeout", `no answer to ${subject} within ${timeoutMs} ms`, {
        retryable: true,
        cause,
      });
    case ErrorCode.PermissionsViolation:
      return new BerthError("denied", `these credentials may not use ${subject}`, { cause });
    case ErrorCode.MaxPayloadExceeded:
      return new BerthError("invalid", `the request to ${subject} is too large`, { cause });
    default:
      return new BerthError("unreachable", `${subject}: ${cause.message}`, {
        retryable: true,
        cause,
      });
  }
}

function elapsed(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs).unref());
}
