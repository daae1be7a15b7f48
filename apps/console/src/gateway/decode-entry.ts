import { BerthError, LogEntry } from "@berth/protocol";
import { hashEntry, type StoredEntry } from "@berth/runtime";

export interface DecodedEntry {
  readonly entry: LogEntry;
  readonly hash: string;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads one stored entry and checks that it follows the entry with the hash `previous`. Throws a
 * `BerthError` `log.unavailable` when it does not, or is none: nothing after it can be believed.
 */
export function decodeEntry(stored: StoredEntry, previous: string): DecodedEntry {
  const parsed = LogEntry.safeParse(parseJson(stored));
  if (!parsed.success) throw unusable(stored.seq, "is not a log entry", parsed.error);
  if (parsed.data.previous !== previous) {
    throw unusable(stored.seq, "does not follow the entry before it");
  }
  return { entry: parsed.data, hash: hashEntry(stored.bytes) };
}

function parseJson({ seq, bytes }: StoredEntry): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw unusable(seq, "is not JSON", cause);
  }
}

function unusable(seq: number, why: string, cause?: unknown): BerthError {
  return new BerthError("log.unavailable", `entry ${seq} of the log ${why}`, { cause });
}
