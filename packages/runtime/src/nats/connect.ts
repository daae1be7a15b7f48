import { BerthError, subjects } from "@berth/protocol";
import {
  type Authenticator,
  connect,
  type ConnectionOptions,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
} from "nats";
import { type Logger, loggerTo } from "../logger.ts";
import { readSeedFile } from "../node/seed-file.ts";
import { NatsBus } from "./bus.ts";

export interface BusOptions {
  /** `nats://host:port`; several as a list, or with commas between them. */
  readonly servers: string | readonly string[];
  /** Shown by the server's monitoring: `scheduler`, `agent r1-s01`. */
  readonly name: string;
  /** An nkey seed, or a file with one that only its owner may read. Without either: no login. */
  readonly seed?: string;
  readonly seedFile?: string;
  /** Default: `_INBOX.<public key>`, the only one the server allows these credentials. */
  readonly inboxPrefix?: string;
  /** For each dial. */
  readonly connectTimeoutMs?: number;
  /**
   * Fail fast (the default): reject when no server can be reached now, as a command line wants.
   * Otherwise keep trying, as a service wants. Either reconnects for ever once connected.
   */
  readonly waitOnFirstConnect?: boolean;
  /** Raised to stop waiting: the bus is then returned closed. */
  readonly signal?: AbortSignal;
  readonly reconnectWaitMs?: number;
  /** Up to this much is added to each wait at random. Thousands of agents want seconds of it. */
  readonly reconnectJitterMs?: number;
  readonly pingIntervalMs?: number;
  readonly logger?: Logger;
}

const CONNECT_TIMEOUT_MS = 4_000;
const RECONNECT_WAIT_MS = 200;
const RECONNECT_JITTER_MS = 300;
const PING_INTERVAL_MS = 5_000;
const PINGS_UNANSWERED_MAX = 2;
const ANONYMOUS_INBOX = "_INBOX";

/**
 * Connects, and keeps connected until closed.
 *
 * Rejects with a `BerthError`: `unreachable`, naming the addresses tried; `denied` when the server
 * refuses the credentials. With `waitOnFirstConnect` it keeps trying instead, and says so once: a
 * server may come later, or learn the credentials later.
 */
export async function connectBus(options: BusOptions): Promise<NatsBus> {
  const prepared = await prepare(options);
  const bus = makeBus(options, prepared);
  if (options.waitOnFirstConnect ?? false) await dialUntilAttached(bus, options, prepared);
  else bus.attach(await dial(prepared));
  return bus;
}

/**
 * A bus that is usable at once and `disconnected` until the first connect succeeds, for a process
 * that has work to do meanwhile. What is subscribed before takes effect then.
 */
export async function openBus(options: Omit<BusOptions, "waitOnFirstConnect">): Promise<NatsBus> {
  const prepared = await prepare(options);
  const bus = makeBus(options, prepared);
  void dialUntilAttached(bus, options, prepared);
  return bus;
}

/** The public key of a seed: what the server knows these credentials by. */
export function publicKeyOf(seed: string): string {
  return nkeys.fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}

/** Ends without a connection when the bus is closed meanwhile. */
async function dialUntilAttached(
  bus: NatsBus,
  { logger, signal }: BusOptions,
  prepared: Prepared,
): Promise<void> {
  while (bus.status !== "closed" && !signal?.aborted) {
    try {
      bus.attach(await dial(prepared));
      return;
    } catch (cause) {
      const { code, message } = cause instanceof BerthError ? cause : unexpected(cause);
      logger?.count(`connect ${code}`, `${message}; trying on`);
    }
    const { reconnectTimeWait: waitMs, reconnectJitter: jitterMs } = prepared;
    await new Promise((resolve) => setTimeout(resolve, waitMs + Math.random() * jitterMs));
  }
  await bus.close();
}

function dial(prepared: Prepared): Promise<NatsConnection> {
  return connect(prepared).catch((cause: unknown) => {
    throw connectError(prepared.servers, cause);
  });
}

type Prepared = ConnectionOptions & {
  servers: string[];
  inboxPrefix: string;
  reconnectTimeWait: number;
  reconnectJitter: number;
};

function makeBus({ logger }: Pick<BusOptions, "logger">, { inboxPrefix }: Prepared): NatsBus {
  return new NatsBus({ inboxPrefix, logger: logger ?? loggerTo(() => {}) });
}

async function prepare(options: BusOptions): Promise<Prepared> {
  const seed = options.seed ?? (options.seedFile ? await readSeedFile(options.seedFile) : null);
  const ownInbox = seed === null ? ANONYMOUS_INBOX : subjects.inbox(publicKeyOf(seed));
  return {
    servers: [options.servers].flat().flatMap((urls) => urls.split(",")),
    inboxPrefix: options.inboxPrefix ?? ownInbox,
    name: options.name,
    timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    ignoreAuthErrorAbort: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: options.reconnectWaitMs ?? RECONNECT_WAIT_MS,
    reconnectJitter: options.reconnectJitterMs ?? RECONNECT_JITTER_MS,
    reconnectJitterTLS: options.reconnectJitterMs ?? RECONNECT_JITTER_MS,
    pingInterval: options.pingIntervalMs ?? PING_INTERVAL_MS,
    maxPingOut: PINGS_UNANSWERED_MAX,
    noAsyncTraces: true,
    ...(seed === null ? {} : { authenticator: authenticate(seed) }),
  };
}

function authenticate(seed: string): Authenticator {
  return nkeyAuthenticator(new TextEncoder().encode(seed));
}

function connectError(tried: readonly string[], cause: unknown): BerthError {
  const servers = tried.join(", ");
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  if (code === "AUTHORIZATION_VIOLATION" || code === "AUTHENTICATION_TIMEOUT") {
    return new BerthError("denied", `${servers} refuses these credentials`, { cause });
  }
  const why = code === "CONNECTION_REFUSED" ? "connection refused" : messageOf(cause);
  return new BerthError("unreachable", `cannot reach NATS at ${servers}: ${why}`, {
    hint: "Is the cluster running? Start one with: berth up",
    retryable: true,
    cause,
  });
}

function unexpected(cause: unknown): BerthError {
  return new BerthError("internal", messageOf(cause), { cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
