import { BerthError, LEASE_STREAM, LEASE_SUBJECT, LOG_STREAM } from "@berth/protocol";
import {
  DiscardPolicy,
  headers,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import type { Lease, LeaseResult, ObservedLease } from "../ports.ts";
import type { NatsBus } from "./bus.ts";
import {
  apiErrorCode,
  EXPECTED_LAST_SEQUENCE,
  manage,
  type PublishReply,
  unavailable,
  WRONG_LAST_SEQUENCE,
} from "./jetstream.ts";

export interface NatsLeaseOptions {
  readonly ttlMs: number;
  /** A lease that is late is worth nothing: much less than its time to live. */
  readonly requestTimeoutMs: number;
}

const STREAM_NOT_FOUND = 10059;
const MESSAGE_NOT_FOUND = 10037;
const STREAM_EXISTS = 10058;

/**
 * The lease over a JetStream stream of one message with an age limit. Not a key-value bucket: its
 * `update` lets several writers win on replicated streams of older servers, and the per-key time to
 * live of newer ones is dropped by an update. Fencing is the expected-last-sequence check on the
 * whole stream; the sequence survives the message.
 */
export function natsLease(bus: NatsBus, options: NatsLeaseOptions): Lease {
  const { ttlMs, requestTimeoutMs } = options;
  return {
    ttlMs,
    observe: () => observe(bus, options),
    put: (body, expectedSeq) => put(bus, body, expectedSeq, requestTimeoutMs),
  };
}

/**
 * Creates the lease's stream on the first start, with as many replicas as the log has. It is kept in
 * memory: it means nothing after a restart, and it must work while the disk is full.
 */
export async function ensureLeaseStream(bus: NatsBus, ttlMs: number): Promise<void> {
  const { streams } = await manage(bus);
  try {
    const { config: log } = await streams.info(LOG_STREAM);
    const wanted = {
      name: LEASE_STREAM,
      subjects: [LEASE_SUBJECT],
      storage: StorageType.Memory,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.Old,
      num_replicas: log.num_replicas,
      max_age: nanos(ttlMs),
      duplicate_window: nanos(ttlMs),
      max_msgs_per_subject: 1,
    } satisfies Partial<StreamConfig>;
    const existing = await streams.info(LEASE_STREAM).catch((cause: unknown) => {
      if (apiErrorCode(cause) === STREAM_NOT_FOUND) return null;
      throw cause;
    });
    if (existing === null) {
      await streams.add(wanted).catch((cause: unknown) => {
        if (apiErrorCode(cause) !== STREAM_EXISTS) throw cause; // another scheduler was faster
      });
    } else if (
      existing.config.max_age !== wanted.max_age ||
      existing.config.num_replicas !== wanted.num_replicas
    ) {
      await streams.update(LEASE_STREAM, { ...existing.config, ...wanted });
    }
  } catch (cause) {
    throw unavailable(cause);
  }
}

async function observe(
  bus: NatsBus,
  { ttlMs, requestTimeoutMs }: NatsLeaseOptions,
): Promise<ObservedLease> {
  try {
    const { streams } = await manage(bus, requestTimeoutMs);
    const newest = await bus
      .untilLost(streams.getMessage(LEASE_STREAM, { last_by_subj: LEASE_SUBJECT }))
      .catch((cause: unknown) => {
        if (apiErrorCode(cause) === MESSAGE_NOT_FOUND) return null;
        throw cause;
      });
    if (newest !== null) return { seq: newest.seq, body: parseJson(newest.data) };
    const { state, cluster } = await bus.untilLost(streams.info(LEASE_STREAM));
    if (cluster !== undefined && cluster.leader === undefined) {
      throw new BerthError("log.unavailable", "the lease has no leader now", { retryable: true });
    }
    return { seq: state.last_seq, body: null };
  } catch (cause) {
    if (apiErrorCode(cause) !== STREAM_NOT_FOUND) throw unavailable(cause);
    await ensureLeaseStream(bus, ttlMs); // the engine was restarted
    return { seq: 0, body: null };
  }
}

async function put(
  bus: NatsBus,
  body: unknown,
  expectedSeq: number,
  timeoutMs: number,
): Promise<LeaseResult> {
  const { connection } = bus;
  if (connection === null || bus.status !== "connected") {
    return { result: "unknown", cause: new BerthError("unreachable", "not connected to NATS") };
  }
  try {
    const fence = headers();
    fence.set(EXPECTED_LAST_SEQUENCE, String(expectedSeq));
    const data = new TextEncoder().encode(JSON.stringify(body));
    const request = connection.request(LEASE_SUBJECT, data, { headers: fence, timeout: timeoutMs });
    const { seq, error } = (await bus.untilLost(request)).json<PublishReply>();
    if (error !== undefined) {
      if (WRONG_LAST_SEQUENCE.has(error.err_code)) return { result: "conflict" };
      return { result: "unknown", cause: new Error(`${error.err_code} ${error.description}`) };
    }
    return seq === expectedSeq + 1
      ? { result: "stored", seq }
      : { result: "unknown", cause: new Error(`stored at ${seq}, not ${expectedSeq + 1}`) };
  } catch (cause) {
    return { result: "unknown", cause };
  }
}

/** Null, as if there were none, for what is not JSON: whoever wrote that does not lead. */
function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch {
    return null;
  }
}
