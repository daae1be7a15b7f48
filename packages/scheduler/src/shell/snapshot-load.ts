import { BerthError, type SnapshotManifest } from "@berth/protocol";
import {
  type Logger,
  type SnapshotStore,
  type StoredSnapshot,
  verifiedChunks,
} from "@berth/runtime";
import {
  type ClusterState,
  StateDecoder,
  stateFormatVersions,
  stateHash,
} from "../core/state/index.ts";

/** A snapshot that can be read, as far as its manifest tells. */
export interface ReadableSnapshot {
  readonly store: SnapshotStore;
  readonly id: string;
  readonly manifest: SnapshotManifest;
}

/** A snapshot with the reason why it cannot be used. */
export interface UnusableSnapshot {
  readonly store: string;
  readonly id: string;
  /** Null when its manifest cannot be read. */
  readonly seq: number | null;
  readonly problem: string;
}

/** What the stores have, newest first, apart by whether this program can read it at all. */
export async function listSnapshots(
  stores: readonly SnapshotStore[],
): Promise<{ readable: ReadableSnapshot[]; unusable: UnusableSnapshot[] }> {
  const readable: ReadableSnapshot[] = [];
  const unusable: UnusableSnapshot[] = [];
  for (const store of stores) {
    for (const stored of await store.list()) {
      const problem = unreadable(stored);
      const { id, manifest } = stored;
      if (manifest !== null && problem === null) readable.push({ store, id, manifest });
      else
        unusable.push({
          store: store.name,
          id,
          seq: manifest?.seq ?? null,
          problem: problem ?? "",
        });
    }
  }
  readable.sort((a, b) => b.manifest.seq - a.manifest.seq);
  return { readable, unusable };
}

function unreadable(stored: StoredSnapshot): string | null {
  if (stored.manifest === null) return stored.problem;
  const { stateVersion } = stored.manifest;
  if (stateFormatVersions.includes(stateVersion)) return null;
  return `its state is written in version ${stateVersion}; this program reads ${stateFormatVersions.join(" and ")}`;
}

/**
 * The state in a snapshot, after every check that can be made without the log: number, size and
 * checksum of the chunks, and the hash of what they decode to. Rejects with a `BerthError`: `invalid`
 * with what is wrong, `log.unavailable` when the store does not answer.
 */
export async function loadSnapshot({
  store,
  id,
  manifest,
}: ReadableSnapshot): Promise<ClusterState> {
  const decoder = new StateDecoder();
  let broken: unknown = null;
  for await (const chunk of verifiedChunks(manifest, store.read(id))) {
    if (broken !== null) continue; // Whether the bytes are what was written says more about why.
    try {
      decoder.add(chunk);
    } catch (cause) {
      broken = cause;
    }
  }
  if (broken !== null) throw undecodable(broken);
  const state = finish(decoder);
  if (state.seq !== manifest.seq || state.term !== manifest.term) {
    throw new BerthError(
      "invalid",
      `it holds the state after entry ${state.seq} of term ${state.term}, and says ${manifest.seq} of term ${manifest.term}`,
    );
  }
  const hash = stateHash(state);
  if (hash !== manifest.stateHash) {
    throw new BerthError(
      "invalid",
      `its state hashes to ${hash}, and was ${manifest.stateHash} when it was written`,
    );
  }
  return state;
}

/** Whether the bytes are those that were written, without making a state of them. Rejects alike. */
export async function verifyCopy({ store, id, manifest }: ReadableSnapshot): Promise<void> {
  for await (const _chunk of verifiedChunks(manifest, store.read(id))) {
    // Counted and hashed on its way.
  }
}

function finish(decoder: StateDecoder): ClusterState {
  try {
    return decoder.finish();
  } catch (cause) {
    throw undecodable(cause);
  }
}

function undecodable(cause: unknown): BerthError {
  if (cause instanceof BerthError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BerthError("invalid", `its state cannot be decoded: ${why}`, { cause });
}

/** Snapshots that were found to be unusable while others are worked with: each is reported once. */
export class DamagedSnapshots {
  readonly #logger: Logger;
  readonly #found = new Set<string>();

  /** `known` are reported already. */
  constructor(logger: Logger, known: readonly UnusableSnapshot[]) {
    this.#logger = logger;
    for (const { store, id } of known) this.#found.add(keyOf(store, id));
  }

  /** Takes down why one cannot be used; what may pass, or is no operating failure, is thrown. */
  add({ store, id, manifest }: ReadableSnapshot, cause: unknown): void {
    if (!(cause instanceof BerthError) || cause.retryable) throw cause;
    this.#found.add(keyOf(store.name, id));
    const unusable = { store: store.name, id, seq: manifest.seq, problem: cause.message };
    this.#logger.warn(`a damaged snapshot is left as it is: ${describeUnusable(unusable)}`);
  }

  without(snapshots: readonly ReadableSnapshot[]): ReadableSnapshot[] {
    return snapshots.filter(({ store, id }) => !this.#found.has(keyOf(store.name, id)));
  }
}

function keyOf(store: string, id: string): string {
  return `${store}/${id}`;
}

/** For whom it may concern, in one line. */
export function describeUnusable({ store, id, problem }: UnusableSnapshot): string {
  return `snapshot ${id} in ${store}: ${problem}`;
}
