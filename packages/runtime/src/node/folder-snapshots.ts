import { randomBytes } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { join } from "node:path";
import { BerthError, limits } from "@berth/protocol";
import type { SnapshotStore, StoredSnapshot } from "../ports.ts";
import { newestFirst, readManifest, SnapshotDigest } from "../snapshot-digest.ts";

const CHUNKS = ".chunks";
const MANIFEST = ".manifest.json";
const UNFINISHED = ".new";
/** Before each chunk: its length, 32 bits, the high byte first. */
const LENGTH_BYTES = 4;
/** The form of the ids: they are file names. */
const ID = /^[a-z0-9-]{1,64}$/;

/**
 * Snapshots in a folder, two files each: `<id>.chunks`, and `<id>.manifest.json`, which is what makes
 * it one. Both are written under another name, forced to the disk and only then renamed.
 */
export function folderSnapshots(folder: string): SnapshotStore {
  const path = (id: string, end: string) => join(folder, `${id}${end}`);
  return {
    name: folder,
    list: () => guarded(() => list(folder)),
    write: (header, chunks) =>
      guarded(async () => {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        const id = `${header.seq}-${randomBytes(4).toString("hex")}`;
        const digest = new SnapshotDigest(header);
        await writeWhole(path(id, CHUNKS), async (file) => {
          for await (const chunk of chunks) {
            digest.add(chunk);
            await file.write(framed(chunk));
          }
        });
        const manifest = digest.manifest();
        await writeWhole(path(id, MANIFEST), async (file) => {
          await file.write(Buffer.from(`${JSON.stringify(manifest)}\n`));
        });
        await syncFolder(folder);
        return { id, manifest };
      }),
    read: (id) => readFramed(path(requireId(id), CHUNKS)),
    remove: (id) =>
      guarded(async () => {
        // Without its manifest it is none: that goes first, and for good.
        await rm(path(requireId(id), MANIFEST), { force: true });
        await syncFolder(folder);
        await rm(path(id, CHUNKS), { force: true });
      }),
    sweep: (olderThanMs) => guarded(() => sweep(folder, olderThanMs)),
  };
}

async function list(folder: string): Promise<StoredSnapshot[]> {
  const found: StoredSnapshot[] = [];
  for (const file of await filesIn(folder)) {
    if (!file.endsWith(MANIFEST)) continue;
    const id = file.slice(0, -MANIFEST.length);
    const stored = ID.test(id) ? await readStored(id, join(folder, file)) : null;
    if (stored !== null) found.push(stored);
  }
  return found.sort(newestFirst);
}

/** Null when it was removed meanwhile. */
async function readStored(id: string, path: string): Promise<StoredSnapshot | null> {
  try {
    return readManifest(id, await readFile(path));
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return null;
    if (!isDamage(cause)) throw cause;
    return { id, manifest: null, problem: `its manifest cannot be read: ${whyOf(cause)}` };
  }
}

async function sweep(folder: string, olderThanMs: number): Promise<void> {
  const files = await filesIn(folder);
  const complete = new Set(files.filter((file) => file.endsWith(MANIFEST)));
  for (const file of files) {
    const isOrphan =
      file.endsWith(CHUNKS) && !complete.has(`${file.slice(0, -CHUNKS.length)}${MANIFEST}`);
    if (!isOrphan && !file.endsWith(UNFINISHED)) continue;
    const { mtimeMs } = await stat(join(folder, file));
    if (Date.now() - mtimeMs >= olderThanMs) await rm(join(folder, file), { force: true });
  }
}

/** None when the folder is not there yet. */
async function filesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") return [];
    throw cause;
  });
}

async function writeWhole(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const draft = `${path}${UNFINISHED}`;
  const file = await open(draft, "w", 0o600);
  try {
    await fill(file);
    await file.sync();
  } catch (cause) {
    await file.close();
    await rm(draft, { force: true });
    throw cause;
  }
  await file.close();
  await rename(draft, path);
}

/** A rename is durable only once the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function framed(chunk: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + chunk.length);
  frame.writeUInt32BE(chunk.length);
  frame.set(chunk, LENGTH_BYTES);
  return frame;
}

async function* readFramed(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r").catch((cause: unknown) => {
    if (codeOf(cause) === "ENOENT") throw new BerthError("invalid", "its chunks are not there");
    throw unavailable(cause);
  });
  try {
    for (let number = 1; ; number += 1) {
      const head = await readFully(file, LENGTH_BYTES);
      if (head.length === 0) return;
      const length = head.length === LENGTH_BYTES ? head.readUInt32BE() : 0;
      if (length < 1 || length > limits.snapshotChunkBytesMax) {
        throw new BerthError("invalid", `the length of its chunk ${number} is damaged`);
      }
      const chunk = await readFully(file, length);
      if (chunk.length < length) throw new BerthError("invalid", `its chunk ${number} is cut off`);
      yield chunk;
    }
  } catch (cause) {
    if (isDamage(cause)) throw new BerthError("invalid", `it cannot be read: ${whyOf(cause)}`);
    throw unavailable(cause);
  } finally {
    await file.close();
  }
}

/** Less only at the end of the file. */
async function readFully(file: FileHandle, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

function requireId(id: string): string {
  if (!ID.test(id)) throw new BerthError("invalid", `${id} is not the id of a snapshot`);
  return id;
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** What asking again does not heal: the disk has lost it, or something else is there. */
function isDamage(cause: unknown): boolean {
  return ["EIO", "EBADMSG", "EUCLEAN", "EISDIR"].some((code) => code === codeOf(cause));
}

function unavailable(cause: unknown): BerthError {
  if (cause instanceof BerthError) return cause;
  const why = whyOf(cause);
  const isFull = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
  return new BerthError(isFull ? "log.full" : "log.unavailable", why, { retryable: true, cause });
}

function whyOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : null;
}
