import { randomBytes } from "node:crypto";
import { BerthError, LOG_STREAM, SNAPSHOT_STREAM, subjects } from "@berth/protocol";
import {
  DiscardPolicy,
  headers,
  type JsMsg,
  nanos,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "nats";
import type { SnapshotStore, StoredSnapshot } from "../ports.ts";
import { newestFirst, readManifest, SnapshotDigest } from "../snapshot-digest.ts";
import type { NatsBus } from "./bus.ts";
import { apiErrorCode, manage, NO_ROOM, type PublishReply, unavailable } from "./jetstream.ts";
import { inBatches, replayFrom } from "./replay-consumer.ts";

const STREAM_NOT_FOUND = 10059;
const STREAM_EXISTS = 10058;
const MESSAGE_NOT_FOUND = 10037;
/** The number of a chunk, from 0: a hole among them is seen before the checksum is. */
const CHUNK_HEADER = "Berth-Chunk";
const WRITE_TIMEOUT_MS = 10_000;
/** Chunks under way at once while writing, and asked for at once while reading. */
const WRITE_WINDOW = 8;
const READ_BATCHES = { messagesMax: 32, expiresMs: 10_000 };
const READER_PAUSE_MS_MAX = 120_000;
/** The second token of a snapshot's subjects. */
const ID_TOKEN = 2;

/**
 * Snapshots in a JetStream stream of their own: a message for each chunk and, when all of those are
 * acknowledged, one with the manifest. Not the engine's object store, which is made for small things.
 */
export function natsSnapshots(bus: NatsBus): SnapshotStore {
  return {
    name: SNAPSHOT_STREAM,
    list: () => guarded(() => list(bus)),
    write: (header, chunks) =>
      guarded(async () => {
        const id = `${header.seq}-${randomBytes(4).toString("hex")}`;
        const digest = new SnapshotDigest(header);
        await writeChunks(bus, id, digest, chunks);
        const manifest = digest.manifest();
        await publish(bus, subjects.snapshot(id, "manifest"), encode(manifest), null);
        return { id, manifest };
      }),
    read: (id) => read(bus, id),
    remove: (id) => guarded(() => remove(bus, id)),
    sweep: (olderThanMs) => guarded(() => sweep(bus, olderThanMs)),
  };
}

/** Creates the stream on the first start, with as many replicas as the log has. */
export async function ensureSnapshotStream(bus: NatsBus): Promise<void> {
  await guarded(async () => {
    const { streams } = await manage(bus);
    const { config: log } = await streams.info(LOG_STREAM);
    const wanted = {
      name: SNAPSHOT_STREAM,
      subjects: [subjects.snapshotAll],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      num_replicas: log.num_replicas,
      max_age: 0,
      max_msgs: -1,
      max_bytes: -1,
      max_msgs_per_subject: -1,
    } satisfies Partial<StreamConfig>;
    const existing = await streams.info(SNAPSHOT_STREAM).catch((cause: unknown) => {
      if (apiErrorCode(cause) === STREAM_NOT_FOUND) return null;
      throw cause;
    });
    if (existing === null) {
      await streams.add(wanted).catch((cause: unknown) => {
        if (apiErrorCode(cause) !== STREAM_EXISTS) throw cause; // another scheduler was faster
      });
    } else if (existing.config.num_replicas !== wanted.num_replicas) {
      await streams.update(SNAPSHOT_STREAM, { ...existing.config, ...wanted });
    }
  });
}

async function list(bus: NatsBus): Promise<StoredSnapshot[]> {
  const { streams } = await manage(bus);
  const found: StoredSnapshot[] = [];
  for (const id of await idsWith(bus, "manifest")) {
    const query = { last_by_subj: subjects.snapshot(id, "manifest") };
    const message = await bus
      .untilLost(streams.getMessage(SNAPSHOT_STREAM, query))
      .catch(nullWhen(MESSAGE_NOT_FOUND)); // removed meanwhile
    if (message !== null) found.push(readManifest(id, message.data));
  }
  return found.sort(newestFirst);
}

/** None when there is no such stream: whoever only reads does not create it. */
async function idsWith(bus: NatsBus, part: "chunks" | "manifest"): Promise<string[]> {
  const { streams } = await manage(bus);
  const filter = { subjects_filter: subjects.snapshotEvery(part) };
  const info = await bus
    .untilLost(streams.info(SNAPSHOT_STREAM, filter))
    .catch(nullWhen(STREAM_NOT_FOUND));
  if (info?.cluster !== undefined && info.cluster.leader === undefined) {
    throw new BerthError("log.unavailable", "the snapshots have no leader now", {
      retryable: true,
    });
  }
  return Object.keys(info?.state.subjects ?? {}).flatMap((subject) => {
    const id = subject.split(".")[ID_TOKEN];
    return id === undefined ? [] : [id];
  });
}

async function writeChunks(
  bus: NatsBus,
  id: string,
  digest: SnapshotDigest,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const subject = subjects.snapshot(id, "chunks");
  const underWay: Promise<void>[] = [];
  let number = 0;
  try {
    for await (const chunk of chunks) {
      digest.add(chunk);
      underWay.push(publish(bus, subject, chunk, number));
      number += 1;
      if (underWay.length >= WRITE_WINDOW) await underWay.shift();
    }
    await Promise.all(underWay);
  } finally {
    // One failure is enough to give up; the others must not go unheard.
    await Promise.allSettled(underWay);
  }
}

async function publish(
  bus: NatsBus,
  subject: string,
  bytes: Uint8Array,
  number: number | null,
): Promise<void> {
  const { connection } = bus;
  if (connection === null || bus.status !== "connected") {
    throw new BerthError("unreachable", "not connected to NATS", { retryable: true });
  }
  const marks = headers();
  if (number !== null) marks.set(CHUNK_HEADER, String(number));
  const options = { headers: marks, timeout: WRITE_TIMEOUT_MS };
  const reply = await bus.untilLost(connection.request(subject, bytes, options));
  const { error } = reply.json<PublishReply>();
  if (error === undefined) return;
  const what = `the engine refused a snapshot: ${error.err_code} ${error.description}`;
  const code = NO_ROOM.has(error.err_code) ? "log.full" : "log.unavailable";
  throw new BerthError(code, what, { retryable: true });
}

async function* read(bus: NatsBus, id: string): AsyncGenerator<Uint8Array> {
  const { connection } = bus;
  try {
    const { consumers } = await manage(bus);
    if (connection === null) throw new BerthError("unreachable", "not connected to NATS");
    const { name, num_pending: count } = await consumers.add(SNAPSHOT_STREAM, {
      ...replayFrom(1),
      filter_subject: subjects.snapshot(id, "chunks"),
      inactive_threshold: nanos(READER_PAUSE_MS_MAX),
    });
    const consumer = await connection.jetstream().consumers.get(SNAPSHOT_STREAM, name);
    let number = 0;
    for await (const batch of inBatches(bus, consumer, count, READ_BATCHES)) {
      for (const message of batch) {
        requireNumber(message, number);
        number += 1;
        yield message.data;
      }
    }
    if (number < count) throw new Error(`chunk ${number + 1} of ${count} did not come`);
    void consumers.delete(SNAPSHOT_STREAM, name).catch(() => {
      // The server removes it after a while of no use.
    });
  } catch (cause) {
    throw failure(cause);
  }
}

function requireNumber(message: JsMsg, expected: number): void {
  const found = message.headers?.get(CHUNK_HEADER) ?? "";
  if (found === String(expected)) return;
  throw new BerthError("invalid", `its chunk ${expected + 1} is missing: number ${found} follows`);
}

/** The manifest goes first: what has none is no snapshot any more. */
async function remove(bus: NatsBus, id: string): Promise<void> {
  const { streams } = await manage(bus);
  for (const part of ["manifest", "chunks"] as const) {
    await bus.untilLost(streams.purge(SNAPSHOT_STREAM, { filter: subjects.snapshot(id, part) }));
  }
}

async function sweep(bus: NatsBus, olderThanMs: number): Promise<void> {
  const { streams } = await manage(bus);
  const complete = new Set(await idsWith(bus, "manifest"));
  for (const id of await idsWith(bus, "chunks")) {
    if (complete.has(id)) continue;
    const filter = subjects.snapshot(id, "chunks");
    const newest = await bus
      .untilLost(streams.getMessage(SNAPSHOT_STREAM, { last_by_subj: filter }))
      .catch(nullWhen(MESSAGE_NOT_FOUND));
    if (newest === null || Date.now() - newest.time.getTime() < olderThanMs) continue;
    await bus.untilLost(streams.purge(SNAPSHOT_STREAM, { filter }));
  }
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function nullWhen(code: number): (cause: unknown) => null {
  return (cause) => {
    if (apiErrorCode(cause) === code) return null;
    throw cause;
  };
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw failure(cause);
  }
}

/** What is damaged or full stays so, whoever asks again; all else may pass. */
function failure(cause: unknown): BerthError {
  const isKnown = cause instanceof BerthError && ["invalid", "log.full"].includes(cause.code);
  return isKnown ? cause : unavailable(cause);
}
