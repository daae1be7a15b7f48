import { BerthError } from "@berth/protocol";
import { type JetStreamManager, NatsError } from "nats";
import type { NatsBus } from "./bus.ts";

/** What the adapters of this folder need of JetStream beyond what the client library offers. */

export const EXPECTED_LAST_SEQUENCE = "Nats-Expected-Last-Sequence";

/** The guard refused: newer servers have two codes for it. */
export const WRONG_LAST_SEQUENCE: ReadonlySet<number> = new Set([10071, 10164]);

/** The engine has no room for what was published. */
export const NO_ROOM: ReadonlySet<number> = new Set([
  10023, // insufficient resources
  10028, // account's memory is used up
  10047, // insufficient storage resources available
  10054, // message exceeds the stream's maximum
  10077, // the store could not write it
]);

/** The engine's answer to a publish into a stream. */
export interface PublishReply {
  readonly seq?: number;
  readonly error?: { readonly err_code: number; readonly description: string };
}

const REQUEST_TIMEOUT_MS = 5_000;

export function manage(bus: NatsBus, timeoutMs = REQUEST_TIMEOUT_MS): Promise<JetStreamManager> {
  const { connection } = bus;
  if (connection === null || bus.status !== "connected") {
    return Promise.reject(new BerthError("unreachable", "not connected to NATS"));
  }
  return connection.jetstreamManager({ checkAPI: false, timeout: timeoutMs });
}

export function apiErrorCode(cause: unknown): number | null {
  return cause instanceof NatsError ? (cause.api_error?.err_code ?? null) : null;
}

export function unavailable(cause: unknown): BerthError {
  if (cause instanceof BerthError && cause.code === "log.unavailable") return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BerthError("log.unavailable", `the log cannot be read: ${why}`, {
    retryable: true,
    cause,
  });
}
