import { hashEntry, type Log, NO_ENTRY_HASH } from "@berth/runtime";
import { applyEntry, type ClusterState, createState } from "../core/index.ts";
import { decodeEntry } from "./log-codec.ts";

/** The whole log as a state, and where it ends: all a leader needs to go on from there. */
export interface Replayed {
  readonly state: ClusterState;
  readonly lastSeq: number;
  readonly lastHash: string;
}

/**
 * Reads and folds the log from its first entry, checking that each continues the one before.
 * Rejects with a `BerthError`: `log.unavailable` (retryable), or `invalid` when an entry is foreign,
 * malformed or out of the chain, which no retry can heal.
 */
export async function replayLog(log: Log): Promise<Replayed> {
  const state = createState();
  let lastSeq = 0;
  let lastHash = NO_ENTRY_HASH;
  for await (const stored of log.read(1)) {
    applyEntry(state, stored.seq, decodeEntry(stored, lastHash));
    lastSeq = stored.seq;
    lastHash = hashEntry(stored.bytes);
  }
  return { state, lastSeq, lastHash };
}
