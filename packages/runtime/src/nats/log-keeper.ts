import { BerthError, LOG_STREAM } from "@berth/protocol";
import { isAtLeast } from "../nats-server/version.ts";
import type { LogKeeper, LogStat, StoredEntry } from "../ports.ts";
import type { NatsBus } from "./bus.ts";
import { apiErrorCode, manage, unavailable } from "./jetstream.ts";

const MESSAGE_NOT_FOUND = 10037;
/** The oldest server where a stream is made with the first sequence of one's choice. */
const FIRST_SEQUENCE_SINCE = "2.10.0";

/** What keeping the log takes, over its JetStream stream. */
export function natsLogKeeper(bus: NatsBus): LogKeeper {
  return {
    stat: () => stat(bus),
    entry: (seq) => entry(bus, seq),
    purgeBefore: (seq) => purgeBefore(bus, seq),
    startAt: (seq) => startAt(bus, seq),
  };
}

async function stat(bus: NatsBus): Promise<LogStat> {
  try {
    const { streams } = await manage(bus);
    const { state, cluster } = await bus.untilLost(streams.info(LOG_STREAM));
    if (cluster !== undefined && cluster.leader === undefined) {
      throw new BerthError("log.unavailable", "the log has no leader now", { retryable: true });
    }
    return { first: Math.max(1, state.first_seq), last: state.last_seq, bytes: state.bytes };
  } catch (cause) {
    throw unavailable(cause);
  }
}

async function entry(bus: NatsBus, seq: number): Promise<StoredEntry | null> {
  try {
    const { streams } = await manage(bus);
    const { data } = await bus.untilLost(streams.getMessage(LOG_STREAM, { seq }));
    return { seq, bytes: data };
  } catch (cause) {
    if (apiErrorCode(cause) === MESSAGE_NOT_FOUND) return null;
    throw unavailable(cause);
  }
}

/**
 * The engine does not guard a purge as it guards an append: what makes it safe is that whoever asks
 * has snapshots of everything before `seq`, and that purging twice is purging once.
 */
async function purgeBefore(bus: NatsBus, seq: number): Promise<void> {
  const { first, last } = await stat(bus);
  if (seq <= first) return;
  if (seq > last) {
    throw new BerthError(
      "invalid",
      `purging before ${seq} would leave nothing of a log to ${last}`,
    );
  }
  await purge(bus, seq);
}

async function startAt(bus: NatsBus, seq: number): Promise<{ needsRestart: boolean }> {
  const { first, last } = await stat(bus);
  if (first === seq && last === seq - 1) return { needsRestart: false };
  if (last !== 0) throw new BerthError("conflict", `the log is not empty: it ends at ${last}`);
  const canChoose = isAtLeast(bus.connection?.info?.version ?? "0.0.0", FIRST_SEQUENCE_SINCE);
  if (canChoose) await recreate(bus, seq);
  else await purge(bus, seq);
  const moved = await stat(bus);
  if (moved.first !== seq || moved.last !== seq - 1) {
    throw new BerthError("internal", `the engine made the log start at ${moved.first}, not ${seq}`);
  }
  // An older engine counts on in memory from where the stream was, and refuses what is expected.
  return { needsRestart: !canChoose };
}

/** Only of a stream without a message. */
async function recreate(bus: NatsBus, seq: number): Promise<void> {
  try {
    const { streams } = await manage(bus);
    const { config } = await bus.untilLost(streams.info(LOG_STREAM));
    await bus.untilLost(streams.delete(LOG_STREAM));
    await bus.untilLost(streams.add({ ...config, first_seq: seq }));
  } catch (cause) {
    throw unavailable(cause);
  }
}

async function purge(bus: NatsBus, seq: number): Promise<void> {
  try {
    const { streams } = await manage(bus);
    await bus.untilLost(streams.purge(LOG_STREAM, { seq }));
  } catch (cause) {
    throw unavailable(cause);
  }
}
