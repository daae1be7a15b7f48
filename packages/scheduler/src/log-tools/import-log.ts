import { BerthError, type SnapshotManifest } from "@berth/protocol";
import {
  type AppendResult,
  hashEntry,
  type Log,
  NO_ENTRY_HASH,
  SnapshotDigest,
} from "@berth/runtime";
import { assert } from "@berth/runtime/assert";
import { StateDecoder, stateHash } from "../core/state/index.ts";
import { decodeEntry } from "../shell/log-codec.ts";
import { foldEntry, logStart, type Replayed } from "../shell/replay-log.ts";
import { listSnapshots, type ReadableSnapshot } from "../shell/snapshot-load.ts";
import { takeSnapshot } from "../shell/snapshot-take.ts";
import { type LogFileHeader, type LogFileLine, readLogFile } from "./log-file.ts";
import type { LogPlace } from "./log-place.ts";

export interface ImportOptions {
  /** The file from its start; opened once for each pass over it. */
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly nowUnixMs: number;
  /** Restarts the engine, where an old one asks for that; null when it is not ours to restart. */
  readonly restartEngine: (() => Promise<void>) | null;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportProgress {
  readonly step: "checking" | "importing";
  readonly seq: number;
  readonly last: number;
}

export interface ImportReport {
  readonly first: number;
  readonly last: number;
  /** Entries that were there already, from an import that was interrupted. */
  readonly resumedAfter: number | null;
  readonly stateHash: string;
}

const APPENDS_UNDER_WAY_MAX = 32;

/**
 * Puts an exported log into an empty one, sequence for sequence. The whole file is checked before
 * anything is written: every line, the chain, the fold and the state of its snapshot.
 *
 * The first thing written is a snapshot of the state at the file's end. Until the log has got that
 * far, no scheduler starts on it, because a snapshot is ahead of it; so an import that was cut off is
 * never taken for the whole. Importing the same file again goes on where it ended.
 *
 * Rejects with a `BerthError`: `invalid` for a file that is damaged or foreign, naming the line;
 * `conflict` for a log that is not empty and no part of this one; else what the engine says.
 */
export async function importLog(place: LogPlace, options: ImportOptions): Promise<ImportReport> {
  const file = await checkFile(options);
  const { header, end, start } = file;
  const already = await requireRoom(place, file, options);
  const [engine] = place.snapshots;
  const { readable } = await listSnapshots([engine]);
  const has = (seq: number) => readable.some(({ manifest }) => manifest.seq === seq);
  if (!has(end.lastSeq)) await takeSnapshot(engine, end, options.nowUnixMs);
  if (start !== null && !has(start.seq)) await engine.write(start, startChunks(options));
  if (already === 0) await startLog(place, header, options);
  await appendEntries(place.log, Math.max(already, header.first - 1), options);
  await requireArrived(place, end);
  return {
    first: header.first,
    last: header.last,
    resumedAfter: already === 0 ? null : already,
    stateHash: stateHash(end.state),
  };
}

interface CheckedFile {
  readonly header: LogFileHeader;
  readonly end: Replayed;
  readonly start: SnapshotManifest | null;
}

async function checkFile({ open, onProgress }: ImportOptions): Promise<CheckedFile> {
  const fold = new FileFold();
  for await (const line of readLogFile(open())) {
    fold.take(line);
    if (line.kind !== "entry" || fold.header === null) continue;
    onProgress?.({ step: "checking", seq: line.seq, last: fold.header.last });
  }
  const { header, position } = fold;
  assert(header !== null, "a log file that was read to its end has a header");
  if (position === null) throw new BerthError("invalid", "its snapshot is after its last entry");
  return { header, end: position, start: header.snapshot };
}

/** Folds a file line by line: chunks to a state, entries to a chain and, from that state on, to more. */
class FileFold {
  header: LogFileHeader | null = null;
  position: Replayed | null = null;
  #decoder: StateDecoder | null = null;
  #digest: SnapshotDigest | null = null;
  #snapshot: Replayed | null = null;
  #lastHash: string | null = null;

  take(line: LogFileLine): void {
    switch (line.kind) {
      case "header":
        return this.#begin(line.header);
      case "chunk":
        this.#digest?.add(line.bytes);
        this.#decoder?.add(line.bytes);
        return;
      case "entry":
        return this.#takeEntry(line);
    }
  }

  #begin(header: LogFileHeader): void {
    this.header = header;
    if (header.snapshot === null) {
      this.position = logStart();
      this.#lastHash = NO_ENTRY_HASH;
    } else {
      this.#decoder = new StateDecoder();
      this.#digest = new SnapshotDigest(header.snapshot);
    }
  }

  #takeEntry(stored: { readonly seq: number; readonly bytes: Uint8Array }): void {
    this.#finishSnapshot(stored.seq);
    if (this.position !== null) {
      this.position = foldEntry(this.position, stored);
      return;
    }
    decodeEntry(stored, this.#lastHash);
    this.#lastHash = hashEntry(stored.bytes);
    if (stored.seq !== this.#snapshot?.lastSeq) return;
    if (this.#lastHash !== this.#snapshot.lastHash) throw anotherEntry(stored.seq);
    this.position = this.#snapshot;
  }

  /** All its chunks were there when the first entry comes. */
  #finishSnapshot(seq: number): void {
    const manifest = this.header?.snapshot;
    if (!manifest || this.#decoder === null || this.#digest === null) return;
    const state = this.#decoder.finish();
    this.#decoder = null;
    const isWhole = this.#digest.manifest().sha256 === manifest.sha256;
    if (!isWhole || stateHash(state) !== manifest.stateHash || state.seq !== manifest.seq) {
      throw new BerthError("invalid", `its snapshot after entry ${manifest.seq} is damaged`);
    }
    this.#snapshot = { state, lastSeq: manifest.seq, lastHash: manifest.entryHash };
    if (manifest.seq === seq - 1) this.position = this.#snapshot;
  }
}

function anotherEntry(seq: number): BerthError {
  return new BerthError("invalid", `its snapshot ends with another entry ${seq} than the file has`);
}

/**
 * Where an earlier import of this file ended; 0 for a log that has never held anything. What such an
 * import leaves is known by the snapshot that it writes first.
 */
async function requireRoom(
  { log, keeper, snapshots }: LogPlace,
  { header, end }: CheckedFile,
  options: ImportOptions,
): Promise<number> {
  const { first, last } = await log.bounds();
  const { readable, unusable } = await listSnapshots(snapshots);
  const isOwn = ({ manifest: { seq, entryHash } }: ReadableSnapshot) =>
    seq === header.snapshot?.seq || (seq === end.lastSeq && entryHash === end.lastHash);
  for (const { id, store } of readable.filter((snapshot) => !isOwn(snapshot))) {
    throw notEmpty(`there is a snapshot ${id} in ${store.name}`);
  }
  for (const { id, store } of unusable) throw notEmpty(`there is a snapshot ${id} in ${store}`);
  if (last === 0 || (first === header.first && last === first - 1)) return 0;
  const isBegun = readable.length > 0 && first === header.first && last <= header.last;
  const stored = isBegun ? await keeper.entry(last) : null;
  if (stored === null || !(await hasEntry(options, last, stored.bytes))) {
    throw notEmpty(`this one has entries ${first} to ${last}`);
  }
  return last;
}

function notEmpty(what: string): BerthError {
  return new BerthError("conflict", `a log is imported into an empty one only: ${what}`, {
    hint: "Import into a home of its own: berth --home <folder> log import <file>",
  });
}

/** Each entry names the hash of the one before: if this one is the same, so are all before it. */
async function hasEntry({ open }: ImportOptions, seq: number, bytes: Uint8Array): Promise<boolean> {
  for await (const line of readLogFile(open())) {
    if (line.kind === "entry" && line.seq === seq) return Buffer.compare(line.bytes, bytes) === 0;
  }
  return false;
}

async function* startChunks({ open }: ImportOptions): AsyncGenerator<Uint8Array> {
  for await (const line of readLogFile(open())) {
    if (line.kind === "entry") return;
    if (line.kind === "chunk") yield line.bytes;
  }
}

async function startLog(
  { keeper }: LogPlace,
  { first }: LogFileHeader,
  { restartEngine }: ImportOptions,
): Promise<void> {
  const { needsRestart } = await keeper.startAt(first);
  if (!needsRestart) return;
  if (restartEngine !== null) return restartEngine();
  throw new BerthError(
    "conflict",
    `this nats-server must be restarted to start at entry ${first}`,
    {
      hint: "Restart it, and import the same file again.",
    },
  );
}

async function appendEntries(log: Log, after: number, options: ImportOptions): Promise<void> {
  const underWay: Promise<AppendResult>[] = [];
  let last = 0;
  for await (const line of readLogFile(options.open())) {
    if (line.kind === "header") last = line.header.last;
    if (line.kind !== "entry" || line.seq <= after) continue;
    underWay.push(log.append(line.bytes, line.seq - 1));
    options.onProgress?.({ step: "importing", seq: line.seq, last });
    if (underWay.length >= APPENDS_UNDER_WAY_MAX) requireAppended(await underWay.shift());
  }
  for (const outcome of await Promise.all(underWay)) requireAppended(outcome);
}

function requireAppended(outcome: AppendResult | undefined): void {
  const hint = "Import the same file again: it goes on where it ended.";
  switch (outcome?.result) {
    case undefined:
    case "appended":
      return;
    case "full":
      throw new BerthError("log.full", `the log has no room: ${outcome.message}`, { hint });
    case "conflict":
      throw new BerthError("conflict", "another one writes to the log");
    case "ambiguous":
      throw new BerthError("log.unavailable", "the engine did not acknowledge an entry", {
        hint,
        retryable: true,
        cause: outcome.cause,
      });
  }
}

async function requireArrived({ keeper }: LogPlace, { lastSeq, lastHash }: Replayed) {
  const stored = await keeper.entry(lastSeq);
  if (stored !== null && hashEntry(stored.bytes) === lastHash) return;
  throw new BerthError("internal", `the log does not end with entry ${lastSeq} of the file`);
}
