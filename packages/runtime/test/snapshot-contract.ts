import { limits, type SnapshotHeader } from "@berth/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { SnapshotStore } from "../src/ports.ts";
import { verifiedChunks } from "../src/snapshot-digest.ts";

export interface SnapshotsUnderTest {
  readonly store: SnapshotStore;
  dispose(): Promise<void>;
}

/** What every `SnapshotStore` does. */
export function describeSnapshots(name: string, make: () => Promise<SnapshotsUnderTest>): void {
  describe(`a store of snapshots (${name})`, () => {
    let store: SnapshotStore;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ store, dispose } = await make());
    });
    afterEach(() => dispose());

    it("has none at first", async () => {
      expect(await store.list()).toEqual([]);
    });

    it("gives back the chunks and the manifest that were written", async () => {
      const chunks = [text("one"), random(limits.snapshotChunkBytesMax), text("three")];
      const written = await store.write(header(7), chunks);
      expect(written.manifest).toMatchObject({
        ...header(7),
        chunks: 3,
        bytes: 8 + limits.snapshotChunkBytesMax,
      });
      expect(await store.list()).toEqual([written]);
      const found = await collect(verifiedChunks(written.manifest, store.read(written.id)));
      expect(Buffer.concat(found).equals(Buffer.concat(chunks))).toBe(true);
      expect(found.map(({ length }) => length)).toEqual(chunks.map(({ length }) => length));
    });

    it("keeps many chunks in their order", async () => {
      const chunks = Array.from({ length: 100 }, (_, at) => text(`chunk ${at}`));
      const { id } = await store.write(header(1), chunks);
      const found = await collect(store.read(id));
      expect(found.map((chunk) => new TextDecoder().decode(chunk))).toEqual(
        Array.from({ length: 100 }, (_, at) => `chunk ${at}`),
      );
    });

    it("lists the newest first, and of one sequence both", async () => {
      await store.write(header(5), [text("a")]);
      await store.write(header(9), [text("b")]);
      await store.write({ ...header(9), takenAtUnixMs: 2_000 }, [text("c")]);
      await store.write(header(7), [text("d")]);
      const listed = (await store.list()).map(({ manifest }) => [
        manifest?.seq,
        manifest?.takenAtUnixMs,
      ]);
      expect(listed).toEqual([
        [9, 2_000],
        [9, 1_000],
        [7, 1_000],
        [5, 1_000],
      ]);
    });

    it("shows nothing of a write that did not finish, and sweeps what that left", async () => {
      const whole = await store.write(header(5), [text("whole")]);
      function* breaking() {
        yield text("half");
        throw new Error("the encoder broke");
      }
      await expect(store.write(header(6), breaking())).rejects.toThrow("the encoder broke");
      expect(await store.list()).toEqual([whole]);
      await store.sweep(0);
      expect(await store.list()).toEqual([whole]);
      expect(await collect(store.read(whole.id))).toHaveLength(1);
    });

    it("removes one and leaves the others; removing it again does nothing", async () => {
      const first = await store.write(header(5), [text("a")]);
      const second = await store.write(header(6), [text("b")]);
      await store.remove(first.id);
      await store.remove(first.id);
      expect(await store.list()).toEqual([second]);
      await expect(
        collect(verifiedChunks(first.manifest, store.read(first.id))),
      ).rejects.toMatchObject({ code: "invalid" });
    });
  });
}

export function header(seq: number): SnapshotHeader {
  return {
    seq,
    entryHash: "a".repeat(64),
    entryAtUnixMs: 500,
    term: 3,
    stateHash: "0123456789abcdef",
    stateVersion: 1,
    takenAtUnixMs: 1_000,
  };
}

export function text(content: string): Uint8Array {
  return new TextEncoder().encode(content);
}

function random(bytes: number): Uint8Array {
  const chunk = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 1) chunk[at] = (at * 31 + (at >> 8)) & 0xff;
  return chunk;
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all;
}
