import { BerthError } from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH, verifiedChunks } from "@berth/runtime";
import { decodeEntry } from "../shell/log-codec.ts";
import { describeUnusable, listSnapshots, type ReadableSnapshot } from "../shell/snapshot-load.ts";
import { LINE_END, LOG_FILE_VERSION, LogFileDigest, type LogFileHeader } from "./log-file.ts";
import type { LogPlace } from "./log-place.ts";

export interface ExportOptions {
  readonly nowUnixMs: number;
  readonly onProgress?: (progress: { readonly seq: number; readonly last: number }) => void;
}

/**
 * The log as the bytes of one file, from its first entry to the last one there is now; with the
 * oldest snapshot that can stand for what was purged before. A running cluster need not stop.
 *
 * Throws a `BerthError`: `invalid` when an entry is not one, or the chain is broken (such a file could
 * not be imported), or no snapshot stands for a start that is gone; `not_found` for an empty log.
 */
export async function* exportLog(
  place: LogPlace,
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const { first, last } = await place.log.bounds();
  if (last < first) throw new BerthError("not_found", "the log is empty");
  const snapshot = first === 1 ? null : await findStart(place, first);
  const header: LogFileHeader = {
    berth: "log",
    v: LOG_FILE_VERSION,
    first,
    last,
    exportedAtUnixMs: options.nowUnixMs,
    snapshot: snapshot?.manifest ?? null,
  };
  const digest = new LogFileDigest();
  const line = (content: Uint8Array): Uint8Array => {
    const whole = Buffer.concat([content, Uint8Array.of(LINE_END)]);
    digest.add(whole);
    return whole;
  };
  yield line(Buffer.from(JSON.stringify(header)));
  if (snapshot !== null) {
    const { store, id, manifest } = snapshot;
    for await (const chunk of verifiedChunks(manifest, store.read(id))) {
      yield line(Buffer.from(Buffer.from(chunk).toString("base64")));
    }
  }
  yield* entryLines(place, header, line, options);
  yield Buffer.from(`${JSON.stringify(digest.end())}\n`);
}

async function* entryLines(
  { log }: LogPlace,
  { first, last, snapshot }: LogFileHeader,
  line: (content: Uint8Array) => Uint8Array,
  { onProgress }: ExportOptions,
): AsyncGenerator<Uint8Array> {
  let previous = first === 1 ? NO_ENTRY_HASH : null;
  if (snapshot?.seq === first - 1) previous = snapshot.entryHash;
  for await (const stored of log.read(first)) {
    if (stored.seq > last) return;
    decodeEntry(stored, previous);
    previous = hashEntry(stored.bytes);
    if (stored.bytes.includes(LINE_END)) {
      throw new BerthError("invalid", `log entry ${stored.seq} has a line end in it`);
    }
    yield line(stored.bytes);
    onProgress?.({ seq: stored.seq, last });
  }
}

/** The oldest one that joins the log, so that as much history as possible can be rebuilt. */
async function findStart({ snapshots }: LogPlace, first: number): Promise<ReadableSnapshot> {
  const { readable, unusable } = await listSnapshots(snapshots);
  const joining = readable.filter(({ manifest }) => manifest.seq >= first - 1).toReversed();
  const problems = unusable.map(describeUnusable);
  for (const snapshot of joining) {
    try {
      for await (const _chunk of verifiedChunks(
        snapshot.manifest,
        snapshot.store.read(snapshot.id),
      ));
      return snapshot;
    } catch (cause) {
      if (!(cause instanceof BerthError) || cause.retryable) throw cause;
      problems.push(`snapshot ${snapshot.id} in ${snapshot.store.name}: ${cause.message}`);
    }
  }
  const why = problems.length === 0 ? "there is none" : problems.join("; ");
  throw new BerthError(
    "invalid",
    `the log starts at entry ${first}, and no snapshot can stand for what was before: ${why}`,
  );
}
