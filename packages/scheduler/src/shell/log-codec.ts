import {
  BerthError,
  type ClusterEvent,
  limits,
  LOG_VERSION,
  LogEntry,
  logVersions,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { hashEntry, NO_ENTRY_HASH, type StoredEntry } from "@berth/runtime";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const COMMA = encoder.encode(",");
const END = encoder.encode("]}");
/** What an entry takes beside its events: version, term, time, hash, brackets. */
const FRAME_BYTES_MAX = 256;

/** Room for the events of one entry, JSON bytes with their commas. */
export const EVENT_BYTES_MAX = limits.entryBytesMax - FRAME_BYTES_MAX;

export function encodeEvent(event: ClusterEvent): Uint8Array {
  return encoder.encode(JSON.stringify(event));
}

/** An entry that is still being collected. Events are encoded once, as they are added. */
export class EntryDraft {
  readonly seq: number;
  readonly term: number;
  readonly atUnixMs: number;
  readonly #events: Uint8Array[] = [];
  #bytes = 0;

  constructor(header: { seq: number; term: number; atUnixMs: number }) {
    this.seq = header.seq;
    this.term = header.term;
    this.atUnixMs = header.atUnixMs;
  }

  get eventCount(): number {
    return this.#events.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  fits(eventBytes: number): boolean {
    return this.#bytes + eventBytes + COMMA.length <= EVENT_BYTES_MAX;
  }

  add(event: Uint8Array): void {
    this.#events.push(event);
    this.#bytes += event.length + COMMA.length;
  }

  /** The bytes to store. `previous` is the hash of the entry before. */
  encode(previous: string): Uint8Array {
    assert(this.#events.length > 0, "an entry has at least one event");
    const { term, atUnixMs } = this;
    const frame = JSON.stringify({ v: LOG_VERSION, term, atUnixMs, previous, events: [] });
    const parts: Uint8Array[] = [encoder.encode(frame.slice(0, -END.length))];
    for (const [index, event] of this.#events.entries()) {
      if (index > 0) parts.push(COMMA);
      parts.push(event);
    }
    parts.push(END);
    return concatenate(parts);
  }
}

/**
 * The entry in what the log stored, checked against the one before it. Throws a `BerthError`
 * `invalid` that names the sequence and what is wrong: not JSON, an unknown version, an unknown
 * event, or a chain that does not continue. `previous` is null where the one before is gone.
 */
export function decodeEntry(stored: StoredEntry, previous: string | null): LogEntry {
  const body = parseJson(stored);
  const version = isObject(body) ? body["v"] : undefined;
  if (!logVersions.some((known) => known === version)) {
    const found = version === undefined ? "no version" : `version ${JSON.stringify(version)}`;
    throw invalid(
      stored,
      `it has ${found}; this scheduler reads versions ${logVersions.join(" and ")}`,
    );
  }
  const parsed = LogEntry.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(stored, `${issue?.path.join(".")}: ${issue?.message}`);
  }
  if (previous !== null && parsed.data.previous !== previous) {
    throw invalid(
      stored,
      `it continues from ${parsed.data.previous.slice(0, 12)}…, and the entry before it is ${previous.slice(0, 12)}…: history was rewritten`,
    );
  }
  return parsed.data;
}

export { hashEntry, NO_ENTRY_HASH };

function parseJson(stored: StoredEntry): unknown {
  try {
    return JSON.parse(decoder.decode(stored.bytes));
  } catch (cause) {
    throw invalid(stored, "it is not JSON", cause);
  }
}

function invalid({ seq }: StoredEntry, what: string, cause?: unknown): BerthError {
  return new BerthError("invalid", `log entry ${seq} cannot be used: ${what}`, {
    hint: "Something other than a Berth scheduler of this version wrote to the log.",
    ...(cause === undefined ? {} : { cause }),
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
