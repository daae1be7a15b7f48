import { BerthError } from "@berth/protocol";
import { hashEntry, type Log, NO_ENTRY_HASH, type StoredEntry } from "@berth/runtime";
import { AssertionError } from "@berth/runtime/assert";
import { applyEntry, type ClusterState, createState } from "../core/index.ts";
import { decodeEntry } from "./log-codec.ts";

/** The log up to some entry as a state, and where that is: all a leader needs to go on from there. */
export interface Replayed {
  readonly state: ClusterState;
  readonly lastSeq: number;
  readonly lastHash: string;
}

/** Before the first entry. */
export function logStart(): Replayed {
  return { state: createState(), lastSeq: 0, lastHash: NO_ENTRY_HASH };
}

/**
 * Folds one more entry into the state and says where that leads. Throws a `BerthError` `invalid` that
 * names the entry when it is foreign, malformed, out of the chain, or cannot follow from the state.
 * The state is then half changed: throw it away.
 */
export function foldEntry({ state, lastHash }: Replayed, stored: StoredEntry): Replayed {
  const entry = decodeEntry(stored, lastHash);
  try {
    applyEntry(state, stored.seq, entry);
  } catch (cause) {
    if (!(cause instanceof AssertionError)) throw cause;
    throw new BerthError(
      "invalid",
      `log entry ${stored.seq} cannot follow from the state before it: ${cause.message}`,
      { cause },
    );
  }
  return { state, lastSeq: stored.seq, lastHash: hashEntry(stored.bytes) };
}

/**
 * Reads and folds the log from where a state ends, or from its first entry, checking that each
 * continues the one before. Rejects with a `BerthError`: `log.unavailable`, retryable unless the
 * entries are gone, or `invalid` for an entry that cannot be used, which no retry can heal.
 */
export async function replayLog(log: Log, from: Replayed = logStart()): Promise<Replayed> {
  let position = from;
  for await (const stored of log.read(from.lastSeq + 1)) position = foldEntry(position, stored);
  return position;
}
