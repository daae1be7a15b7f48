import { z } from "zod";

/**
 * A snapshot is the encoded state after one entry of the log, in chunks, with a manifest that says
 * what the chunks must add up to. The manifest is written last: without it there is no snapshot.
 */
export const SNAPSHOT_VERSION = 1;

const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const SnapshotHeader = z.object({
  /** The last entry that is in it. */
  seq: z.int().min(1),
  /** The hash of that entry: what the next one names as `previous`. */
  entryHash: Sha256,
  /** When that entry was decided, by its leader's clock. */
  entryAtUnixMs: z.number(),
  term: z.int().min(1),
  /** What the decoded state must hash to. */
  stateHash: z.string().min(1).max(128),
  /** The form of the chunks: how the state is encoded. */
  stateVersion: z.int().min(1),
  takenAtUnixMs: z.number(),
});
export type SnapshotHeader = z.infer<typeof SnapshotHeader>;

export const SnapshotManifest = z.object({
  v: z.literal(SNAPSHOT_VERSION),
  ...SnapshotHeader.shape,
  chunks: z.int().min(1),
  /** Of all chunks together. */
  bytes: z.int().min(1),
  /** Over the header and all chunks (see `SnapshotDigest` in the runtime). */
  sha256: Sha256,
});
export type SnapshotManifest = z.infer<typeof SnapshotManifest>;
