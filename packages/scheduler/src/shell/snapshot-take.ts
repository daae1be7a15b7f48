import { BerthError, type SnapshotHeader } from "@berth/protocol";
import { type SnapshotStore, verifiedChunks } from "@berth/runtime";
import { assert } from "@berth/runtime/assert";
import { encodeState, STATE_FORMAT_VERSION, stateHash } from "../core/state/index.ts";
import type { Replayed } from "./replay-log.ts";
import { loadSnapshot, type ReadableSnapshot, verifyCopy } from "./snapshot-load.ts";

/**
 * Writes the state as a snapshot, reads it back, decodes it and compares the hash of what came out:
 * what this returns can be recovered from. The state must be as the log has it, and stay so meanwhile.
 *
 * Rejects with a `BerthError`: `log.full`, `log.unavailable`, or `invalid` when what came back is not
 * what was written; the snapshot is then removed again.
 */
export async function takeSnapshot(
  store: SnapshotStore,
  { state, lastSeq, lastHash }: Replayed,
  nowUnixMs: number,
): Promise<ReadableSnapshot> {
  assert(state.seq === lastSeq, "a snapshot is taken of what the log has");
  const header: SnapshotHeader = {
    seq: lastSeq,
    entryHash: lastHash,
    entryAtUnixMs: state.atUnixMs,
    term: state.term,
    stateHash: stateHash(state),
    stateVersion: STATE_FORMAT_VERSION,
    takenAtUnixMs: nowUnixMs,
  };
  const written = { store, ...(await store.write(header, encodeState(state))) };
  await keepIfWhole(written, async () => void (await loadSnapshot(written)));
  return written;
}

/** Puts the same bytes into another store, and reads them back. Rejects as `takeSnapshot` does. */
export async function copySnapshot(
  source: ReadableSnapshot,
  store: SnapshotStore,
): Promise<ReadableSnapshot> {
  const chunks = verifiedChunks(source.manifest, source.store.read(source.id));
  const copy = { store, ...(await store.write(source.manifest, chunks)) };
  await keepIfWhole(copy, () => verifyCopy(copy));
  return copy;
}

/** What was just written and cannot be read back never counted, so that it may go. */
async function keepIfWhole(written: ReadableSnapshot, verify: () => Promise<void>): Promise<void> {
  try {
    await verify();
  } catch (cause) {
    if (!(cause instanceof BerthError) || cause.retryable) throw cause;
    await written.store.remove(written.id);
    throw new BerthError(
      "invalid",
      `the snapshot after entry ${written.manifest.seq} did not come back from ${written.store.name} as it was written: ${cause.message}`,
      { retryable: true, cause },
    );
  }
}
