import { createHash } from "node:crypto";
import { BerthError, limits, SnapshotManifest } from "@berth/protocol";
import { z } from "zod";

/**
 * A log in one file, as lines of text:
 *
 *     {"berth":"log","v":1,"first":5001,"last":7233,…}      the header
 *     eyJzZWN0aW9uIjoiaGVhZGVyIiwi…                         each chunk of its snapshot, in base64
 *     {"v":1,"term":3,"atUnixMs":…,"previous":"…",…}        each entry, byte for byte as it is stored
 *     {"end":{"lines":2246,"sha256":"…"}}                   over every line before, line ends included
 */
export const LOG_FILE_VERSION = 1;

export const LogFileHeader = z.object({
  berth: z.literal("log"),
  v: z.literal(LOG_FILE_VERSION),
  first: z.int().min(1),
  last: z.int().min(1),
  exportedAtUnixMs: z.number(),
  /** What stands for the entries before the first; null when that is entry 1. */
  snapshot: SnapshotManifest.nullable(),
});
export type LogFileHeader = z.infer<typeof LogFileHeader>;

const LogFileEnd = z.object({
  end: z.object({ lines: z.int().min(1), sha256: z.string() }),
});

export const LINE_END = 0x0a;
/** The longest line is a chunk in base64, which takes four bytes for three. */
const LINE_BYTES_MAX = Math.ceil(limits.snapshotChunkBytesMax / 3) * 4 + 1;

/** Counts and hashes lines as they are written or read. */
export class LogFileDigest {
  readonly #hash = createHash("sha256");
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** With its line end. */
  add(line: Uint8Array): void {
    this.#lines += 1;
    this.#hash.update(line);
  }

  end(): z.infer<typeof LogFileEnd> {
    return { end: { lines: this.#lines, sha256: this.#hash.digest("hex") } };
  }
}

/** One line of a log file: the header first, then chunks and entries, each in its order. */
export type LogFileLine =
  | { readonly kind: "header"; readonly header: LogFileHeader }
  | { readonly kind: "chunk"; readonly bytes: Uint8Array }
  | { readonly kind: "entry"; readonly seq: number; readonly bytes: Uint8Array };

/**
 * The lines of a log file. After the last one it is certain that none is missing or changed: then it
 * ends, else it throws a `BerthError` `invalid` that names the line and what is wrong.
 */
export async function* readLogFile(source: AsyncIterable<Uint8Array>): AsyncGenerator<LogFileLine> {
  const digest = new LogFileDigest();
  let header: LogFileHeader | null = null;
  let isEnded = false;
  for await (const line of linesOf(source)) {
    const number = digest.lines + 1;
    if (isEnded) throw invalid(number, "something follows the end");
    if (header === null) {
      header = parseHeader(line);
      yield { kind: "header", header };
    } else if (digest.lines < endLine(header)) {
      yield contentAt(header, digest.lines, line);
    } else {
      requireEnd(line, digest);
      isEnded = true;
      continue;
    }
    digest.add(line);
  }
  if (!isEnded) throw invalid(digest.lines + 1, "the file ends before its end line: it is cut off");
}

/** How many lines come before the end line. */
function endLine({ first, last, snapshot }: LogFileHeader): number {
  return 1 + (snapshot?.chunks ?? 0) + (last - first + 1);
}

function contentAt({ first, snapshot }: LogFileHeader, at: number, line: Uint8Array): LogFileLine {
  const chunks = snapshot?.chunks ?? 0;
  const content = line.subarray(0, -1);
  if (at > chunks) return { kind: "entry", seq: first + at - chunks - 1, bytes: content };
  return { kind: "chunk", bytes: Buffer.from(Buffer.from(content).toString("latin1"), "base64") };
}

function parseHeader(line: Uint8Array): LogFileHeader {
  const body = parseJson(line, 1, "this is not an exported log");
  const version = typeof body === "object" && body !== null && "v" in body ? body.v : null;
  const isLog = typeof body === "object" && body !== null && "berth" in body;
  if (isLog && version !== LOG_FILE_VERSION) {
    throw invalid(1, `its version is ${String(version)}; this program reads ${LOG_FILE_VERSION}`);
  }
  const parsed = LogFileHeader.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(1, `this is not an exported log: ${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { first, last, snapshot } = parsed.data;
  if (last < first || first > 1 !== (snapshot !== null)) {
    throw invalid(
      1,
      `entries ${first} to ${last} with${snapshot === null ? "out" : ""} a snapshot`,
    );
  }
  return parsed.data;
}

function requireEnd(line: Uint8Array, digest: LogFileDigest): void {
  const number = digest.lines + 1;
  const parsed = LogFileEnd.safeParse(parseJson(line, number, "the end line is damaged"));
  if (!parsed.success) throw invalid(number, "the end line is damaged");
  const found = digest.end().end;
  const { lines, sha256 } = parsed.data.end;
  if (lines !== found.lines)
    throw invalid(number, `${found.lines} lines, and ${lines} were written`);
  if (sha256 !== found.sha256) {
    throw invalid(number, "something before it has changed since it was written (checksum)");
  }
}

function parseJson(line: Uint8Array, number: number, otherwise: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(line));
  } catch {
    throw invalid(number, otherwise);
  }
}

/** Each with its line end; what comes after the last one is a line of its own. */
async function* linesOf(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array(0);
  let number = 1;
  for await (const piece of source) {
    let from = 0;
    for (let at = piece.indexOf(LINE_END); at >= 0; at = piece.indexOf(LINE_END, from)) {
      yield Buffer.concat([rest, piece.subarray(from, at + 1)]);
      rest = new Uint8Array(0);
      from = at + 1;
      number += 1;
    }
    rest = Buffer.concat([rest, piece.subarray(from)]);
    if (rest.length > LINE_BYTES_MAX) throw invalid(number, "it is too long to be one");
  }
  if (rest.length > 0) yield rest;
}

export function invalid(line: number, what: string): BerthError {
  return new BerthError("invalid", `line ${line}: ${what}`, { details: { line } });
}
