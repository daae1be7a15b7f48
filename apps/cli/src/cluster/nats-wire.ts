import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { BerthError, subjects } from "@berth/protocol";
import { type ServerLine, WireParser } from "./nats-wire-parser.ts";
import { signNonce } from "./sign-nonce.ts";

export interface WireOptions {
  /** `nats://host:port`. */
  readonly url: string;
  readonly publicKey: string;
  readonly seed: string;
  readonly connectTimeoutMs: number;
}

interface PendingRequest {
  readonly subject: string;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: BerthError) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * One connection to NATS for one command: core publish, request and subscribe, and nothing else.
 * It exists because a command's whole budget is about what loading the full client takes; requests
 * made before the server's greeting travel in the same packet as the login. Services, which live
 * long, use the bus of `@berth/runtime/nats`.
 */
export class NatsWire {
  readonly #options: WireOptions;
  readonly #socket: Socket;
  readonly #parser = new WireParser();
  readonly #requests = new Map<string, PendingRequest>();
  readonly #subscriptions = new Map<string, (body: unknown) => void>();
  readonly #inbox: string;
  #outbox: string[] = [];
  #isOpen = false;
  #failure: BerthError | null = null;
  #counter = 1;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#inbox = `${subjects.inbox(options.publicKey)}.${randomBytes(9).toString("hex")}`;
    const { hostname, port } = new URL(options.url);
    this.#socket = connect({ host: hostname, port: Number(port || 4222), noDelay: true });
    this.#socket.setTimeout(options.connectTimeoutMs, () => {
      if (!this.#isOpen) this.#fail(this.#unreachable("no answer"));
    });
    this.#socket.on("data", (chunk) => this.#receive(chunk));
    this.#socket.on("error", (cause) => this.#fail(this.#unreachable(reasonOf(cause), cause)));
    this.#socket.on("close", () => this.#fail(this.#unreachable("the connection was closed")));
    this.#send(`SUB ${this.#inbox}.* 1\r\n`);
  }

  /** Null while it is usable; else why it is not. */
  get failure(): BerthError | null {
    return this.#failure;
  }

  /** The server has greeted, and the connection to it holds. */
  get isOpen(): boolean {
    return this.#isOpen && this.#failure === null;
  }

  /** Rejects with a `BerthError`: `unreachable`, `denied`, `timeout`. */
  request(subject: string, body: unknown, timeoutMs: number): Promise<unknown> {
    const token = String(this.#counter++);
    return new Promise((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      const timer = setTimeout(() => {
        this.#requests.delete(token);
        const message = `no answer to ${subject} from ${this.#options.url} within ${timeoutMs} ms`;
        reject(new BerthError("timeout", message, { retryable: true }));
      }, timeoutMs);
      this.#requests.set(token, { subject, resolve, reject, timer });
      this.#publish(subject, `${this.#inbox}.${token}`, body);
    });
  }

  /** What is not JSON is dropped. */
  subscribe(subject: string, handle: (body: unknown) => void): void {
    const sid = `s${this.#counter++}`;
    this.#subscriptions.set(sid, handle);
    this.#send(`SUB ${subject} ${sid}\r\n`);
  }

  close(): void {
    this.#fail(new BerthError("unreachable", "closed"));
  }

  #publish(subject: string, reply: string, body: unknown): void {
    const text = JSON.stringify(body);
    this.#send(`PUB ${subject} ${reply} ${Buffer.byteLength(text)}\r\n${text}\r\n`);
  }

  /** Before the greeting everything waits, so that the login goes first. */
  #send(text: string): void {
    if (this.#isOpen) this.#socket.write(text);
    else this.#outbox.push(text);
  }

  #receive(chunk: Buffer): void {
    try {
      for (const line of this.#parser.push(chunk)) this.#handle(line);
    } catch (cause) {
      this.#fail(this.#unreachable("what answers does not speak NATS", cause));
    }
  }

  #handle(line: ServerLine): void {
    switch (line.type) {
      case "info":
        if (!this.#isOpen) this.#login(line.nonce);
        return;
      case "ping":
        this.#socket.write("PONG\r\n");
        return;
      case "error":
        this.#refused(line.message);
        return;
      case "message":
        this.#deliver(line);
        return;
    }
  }

  #login(nonce: string | null): void {
    const { publicKey, seed } = this.#options;
    const identity = nonce === null ? {} : { nkey: publicKey, sig: signNonce(nonce, seed) };
    const options = {
      verbose: false,
      pedantic: false,
      name: "berth",
      lang: "berth",
      version: "1",
      protocol: 1,
      headers: true,
      no_responders: true,
      ...identity,
    };
    this.#isOpen = true;
    this.#socket.setTimeout(0);
    this.#socket.write(`CONNECT ${JSON.stringify(options)}\r\n${this.#outbox.join("")}`);
    this.#outbox = [];
  }

  #deliver({ sid, subject, status, payload }: Extract<ServerLine, { type: "message" }>): void {
    if (sid !== "1") {
      const body = parseJson(payload);
      if (body !== undefined) this.#subscriptions.get(sid)?.(body);
      return;
    }
    const token = subject.slice(subject.lastIndexOf(".") + 1);
    const request = this.#take(token);
    if (!request) return;
    if (status === 503) {
      const message = `nothing answers ${request.subject} at ${this.#options.url}`;
      request.reject(new BerthError("unreachable", message, { retryable: true }));
      return;
    }
    const body = parseJson(payload);
    if (body === undefined) {
      request.reject(new BerthError("internal", `the answer to ${request.subject} is not JSON`));
    } else {
      request.resolve(body);
    }
  }

  #take(token: string): PendingRequest | undefined {
    const request = this.#requests.get(token);
    this.#requests.delete(token);
    if (request) clearTimeout(request.timer);
    return request;
  }

  /** Refused publishes keep the connection; everything else the server says is its last word. */
  #refused(message: string): void {
    const subject = /^'Permissions Violation for Publish to "(.+)"'$/i.exec(message)?.[1];
    if (subject !== undefined) {
      for (const [token, request] of this.#requests) {
        if (request.subject !== subject) continue;
        this.#take(token);
        request.reject(new BerthError("denied", `these credentials may not use ${subject}`));
      }
      return;
    }
    if (/permissions violation for subscription/i.test(message)) return;
    const { url } = this.#options;
    this.#fail(
      /authorization|authentication/i.test(message)
        ? new BerthError("denied", `${url} refuses these credentials`)
        : this.#unreachable(message),
    );
  }

  #fail(failure: BerthError): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#socket.destroy();
    for (const token of this.#requests.keys()) this.#take(token)?.reject(failure);
  }

  #unreachable(reason: string, cause?: unknown): BerthError {
    return new BerthError("unreachable", `cannot reach ${this.#options.url}: ${reason}`, {
      retryable: true,
      cause,
    });
  }
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
}

function reasonOf(cause: Error): string {
  return "code" in cause && cause.code === "ECONNREFUSED" ? "connection refused" : cause.message;
}
