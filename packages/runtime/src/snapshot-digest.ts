import { createHash, type Hash } from "node:crypto";
import {
  BerthError,
  SNAPSHOT_VERSION,
  type SnapshotHeader,
  SnapshotManifest,
} from "@berth/protocol";
import type { StoredSnapshot } from "./ports.ts";

/**
 * Counts and hashes a snapshot while it passes: SHA-256 over the header's fields in their fixed order
 * as JSON, and then over the chunks. So no bit of header or chunks can change unseen.
 */
export class SnapshotDigest {
  readonly #header: SnapshotHeader;
  readonly #hash: Hash;
  #chunks = 0;
  #bytes = 0;

  constructor(header: SnapshotHeader) {
    const { seq, entryHash, entryAtUnixMs, term, stateHash, stateVersion, takenAtUnixMs } = header;
    this.#header = { seq, entryHash, entryAtUnixMs, term, stateHash, stateVersion, takenAtUnixMs };
    this.#hash = createHash("sha256").update(JSON.stringify(Object.values(this.#header)));
  }

  add(chunk: Uint8Array): void {
    this.#chunks += 1;
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
  }

  /** Ends it. */
  manifest(): SnapshotManifest {
    return {
      v: SNAPSHOT_VERSION,
      ...this.#header,
      chunks: this.#chunks,
      bytes: this.#bytes,
      sha256: this.#hash.digest("hex"),
    };
  }
}

/**
 * Passes the chunks of a snapshot on and, after the last one, throws a `BerthError` `invalid` that
 * says what is wrong if they are not what the manifest names. Whoever uses them before that must be
 * able to throw away what it made of them.
 */
export async function* verifiedChunks(
  manifest: SnapshotManifest,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const digest = new SnapshotDigest(manifest);
  for await (const chunk of chunks) {
    digest.add(chunk);
    yield chunk;
  }
  const found = digest.manifest();
  if (found.chunks !== manifest.chunks || found.bytes !== manifest.bytes) {
    throw new BerthError(
      "invalid",
      `it is not whole: ${found.chunks} of ${manifest.chunks} chunks, ${found.bytes} of ${manifest.bytes} bytes`,
    );
  }
  if (found.sha256 !== manifest.sha256) {
    throw new BerthError("invalid", "its bytes have changed since it was written (checksum)");
  }
}

/** What a stored manifest says; without one, and with the reason, when it cannot be read. */
export function readManifest(id: string, bytes: Uint8Array): StoredSnapshot {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { id, manifest: null, problem: "its manifest is not JSON" };
  }
  const version = typeof body === "object" && body !== null && "v" in body ? body.v : null;
  if (version !== SNAPSHOT_VERSION) {
    const problem = `its manifest has version ${JSON.stringify(version)}; this program reads ${SNAPSHOT_VERSION}`;
    return { id, manifest: null, problem };
  }
  const parsed = SnapshotManifest.safeParse(body);
  if (parsed.success) return { id, manifest: parsed.data };
  const [issue] = parsed.error.issues;
  return {
    id,
    manifest: null,
    problem: `its manifest is damaged: ${issue?.path.join(".")}: ${issue?.message}`,
  };
}

/** By sequence, then by age, newest first; what has no manifest last. */
export function newestFirst(a: StoredSnapshot, b: StoredSnapshot): number {
  if (a.manifest === null || b.manifest === null) {
    if (a.manifest === b.manifest) return a.id < b.id ? 1 : -1;
    return a.manifest === null ? 1 : -1;
  }
  return b.manifest.seq - a.manifest.seq || b.manifest.takenAtUnixMs - a.manifest.takenAtUnixMs;
}
