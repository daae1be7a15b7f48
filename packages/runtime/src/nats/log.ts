import { BerthError, LOG_STREAM, LOG_SUBJECT } from "@berth/protocol";
import { headers, type JetStreamManager, nanos } from "nats";
import { type Logger, loggerTo } from "../logger.ts";
import type { AppendResult, Log, StoredEntry } from "../ports.ts";
import type { NatsBus } from "./bus.ts";
import {
  EXPECTED_LAST_SEQUENCE,
  manage,
  NO_ROOM,
  type PublishReply,
  unavailable,
  WRONG_LAST_SEQUENCE,
} from "./jetstream.ts";
import { NatsLogTail } from "./log-tail.ts";
import { inBatches, replayFrom } from "./replay-consumer.ts";

export interface NatsLogOptions {
  readonly appendTimeoutMs?: number;
  readonly requestTimeoutMs?: number;
  readonly logger?: Logger;
}

const APPEND_TIMEOUT_MS = 5_000;
/**
 * A stream without a leader leaves questions unanswered, even those that it could answer later: asking
 * again soon finds the next leader sooner than waiting.
 */
const REQUEST_TIMEOUT_MS = 1_000;
const READ_BATCHES = { messagesMax: 256, expiresMs: 3_000 };
/** A reader that folds slowly may take this long between two batches. */
const READER_PAUSE_MS_MAX = 120_000;

/**
 * The log over one JetStream stream. Fencing is the engine's expected-last-sequence check on the
 * whole stream, which holds on every server since 2.9.10; nothing here depends on message ids.
 */
export function natsLog(bus: NatsBus, options: NatsLogOptions = {}): Log {
  const appendTimeoutMs = options.appendTimeoutMs ?? APPEND_TIMEOUT_MS;
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const manager = () => manage(bus, requestTimeoutMs);
  return {
    append: (bytes, expectedLastSeq) => append(bus, bytes, expectedLastSeq, appendTimeoutMs),
    bounds: () => bounds(bus, manager),
    read: (fromSeq) => read(bus, manager, fromSeq),
    tail(fromSeq, onEntry, onGap) {
      const logger = options.logger ?? loggerTo(() => {});
      const tail = new NatsLogTail({ bus, manager, logger, onEntry, onGap }, fromSeq);
      return { unsubscribe: () => tail.stop() };
    },
  };
}

async function append(
  bus: NatsBus,
  bytes: Uint8Array,
  expectedLastSeq: number,
  timeoutMs: number,
): Promise<AppendResult> {
  const { connection } = bus;
  if (connection === null || bus.status !== "connected") {
    return { result: "ambiguous", cause: new BerthError("unreachable", "not connected to NATS") };
  }
  try {
    const fence = headers();
    fence.set(EXPECTED_LAST_SEQUENCE, String(expectedLastSeq));
    const request = connection.request(LOG_SUBJECT, bytes, { headers: fence, timeout: timeoutMs });
    return appendResult((await bus.untilLost(request)).json(), expectedLastSeq);
  } catch (cause) {
    return { result: "ambiguous", cause };
  }
}

function appendResult(reply: unknown, expectedLastSeq: number): AppendResult {
  const { seq, error } = reply as PublishReply;
  if (error !== undefined) {
    if (WRONG_LAST_SEQUENCE.has(error.err_code)) return { result: "conflict" };
    if (NO_ROOM.has(error.err_code)) return { result: "full", message: error.description };
    return { result: "ambiguous", cause: new Error(`${error.err_code} ${error.description}`) };
  }
  if (seq !== expectedLastSeq + 1) {
    return {
      result: "ambiguous",
      cause: new Error(`stored at ${seq}, not ${expectedLastSeq + 1}`),
    };
  }
  return { result: "appended", seq };
}

async function bounds(
  bus: NatsBus,
  manager: () => Promise<JetStreamManager>,
): Promise<{ first: number; last: number }> {
  try {
    const { streams } = await manager();
    const { state, cluster } = await bus.untilLost(streams.info(LOG_STREAM));
    if (cluster !== undefined && cluster.leader === undefined) {
      throw new BerthError("log.unavailable", "the log has no leader now", { retryable: true });
    }
    return { first: Math.max(1, state.first_seq), last: state.last_seq };
  } catch (cause) {
    throw unavailable(cause);
  }
}

async function* read(
  bus: NatsBus,
  manager: () => Promise<JetStreamManager>,
  fromSeq: number,
): AsyncIterable<StoredEntry> {
  const { first, last } = await bounds(bus, manager);
  let next = fromSeq;
  if (next > last) return;
  if (next < first) {
    throw new BerthError("log.unavailable", `entry ${next} is gone; the log starts at ${first}`);
  }
  try {
    const { connection } = bus;
    const { consumers } = await manager();
    if (connection === null) throw new BerthError("unreachable", "not connected to NATS");
    const { name } = await consumers.add(LOG_STREAM, {
      ...replayFrom(next),
      inactive_threshold: nanos(READER_PAUSE_MS_MAX),
    });
    const consumer = await connection.jetstream().consumers.get(LOG_STREAM, name);
    for await (const batch of inBatches(bus, consumer, last - next + 1, READ_BATCHES)) {
      for (const { seq, data } of batch) {
        if (seq !== next) throw new Error(`entry ${seq} came where ${next} belongs`);
        next += 1;
        yield { seq, bytes: data };
      }
    }
    if (next <= last) throw new Error(`entry ${next} did not come`);
    void consumers.delete(LOG_STREAM, name).catch(() => {
      // The server removes it after a while of no use.
    });
  } catch (cause) {
    throw unavailable(cause);
  }
}
