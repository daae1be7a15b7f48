import type { SnapshotManifest } from "@berth/protocol";
import { BerthError } from "@berth/protocol";
import type { SnapshotStore, StoredSnapshot } from "../ports.ts";
import { newestFirst, readManifest, SnapshotDigest } from "../snapshot-digest.ts";

interface Kept {
  readonly chunks: Uint8Array[];
  manifest: Uint8Array;
}

export interface MemorySnapshots extends SnapshotStore {
  /** What is stored under an id, to damage it. */
  kept(id: string): Kept;
  /** Puts something under an id that no `write` would. */
  plant(id: string, manifest: unknown, chunks?: readonly Uint8Array[]): void;
}

/** Snapshots in memory, for tests and the simulation. */
export function memorySnapshots(name = "memory"): MemorySnapshots {
  const complete = new Map<string, Kept>();
  let written = 0;
  const require = (id: string): Kept => {
    const kept = complete.get(id);
    if (kept === undefined) throw new BerthError("invalid", `there is no snapshot ${id}`);
    return kept;
  };
  return {
    name,
    async list() {
      const all = [...complete].map(
        ([id, { manifest }]): StoredSnapshot => readManifest(id, manifest),
      );
      return all.sort(newestFirst);
    },
    async write(header, chunks) {
      written += 1;
      const id = `${header.seq}-${written}`;
      const digest = new SnapshotDigest(header);
      const copies: Uint8Array[] = [];
      for await (const chunk of chunks) {
        digest.add(chunk);
        copies.push(new Uint8Array(chunk));
      }
      const manifest: SnapshotManifest = digest.manifest();
      complete.set(id, { chunks: copies, manifest: encode(manifest) });
      return { id, manifest };
    },
    async *read(id) {
      for (const chunk of require(id).chunks) yield new Uint8Array(chunk);
    },
    async remove(id) {
      complete.delete(id);
    },
    async sweep() {
      // What never finished is gone with the call that wrote it.
    },
    kept: require,
    plant: (id, manifest, chunks = []) =>
      void complete.set(id, { manifest: encode(manifest), chunks: [...chunks] }),
  };
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
