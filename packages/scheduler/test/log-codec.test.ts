import { type ClusterEvent, LOG_VERSION, type LogEntry } from "@berth/protocol";
import { describe, expect, it } from "vitest";
import {
  decodeEntry,
  encodeEvent,
  EntryDraft,
  EVENT_BYTES_MAX,
  hashEntry,
  NO_ENTRY_HASH,
} from "../src/shell/log-codec.ts";

const event = {
  type: "LeaderStarted",
  clusterId: "c0123456789ab",
  term: 1,
  leader: "host:1",
  version: "0.0.0",
} as ClusterEvent;

function entry(previous = NO_ENTRY_HASH): Uint8Array {
  const draft = new EntryDraft({ seq: 1, term: 1, atUnixMs: 1_700_000_000_000.5 });
  draft.add(encodeEvent(event));
  draft.add(encodeEvent(event));
  return draft.encode(previous);
}

describe("a log entry", () => {
  it("is the plain JSON of its LogEntry, and reads back the same", () => {
    const bytes = entry();
    const plain: LogEntry = {
      v: LOG_VERSION,
      term: 1,
      atUnixMs: 1_700_000_000_000.5,
      previous: NO_ENTRY_HASH,
      events: [event, event],
    };
    expect(new TextDecoder().decode(bytes)).toBe(JSON.stringify(plain));
    expect(decodeEntry({ seq: 1, bytes }, NO_ENTRY_HASH)).toEqual(plain);
  });

  it("must name the hash of the entry before it", () => {
    const first = entry();
    const second = entry(hashEntry(first));
    expect(decodeEntry({ seq: 2, bytes: second }, hashEntry(first)).events).toHaveLength(2);
    expect(() => decodeEntry({ seq: 2, bytes: second }, NO_ENTRY_HASH)).toThrow(
      /log entry 2 .*history was rewritten/,
    );
  });

  it("says which entry is foreign and why", () => {
    const decode = (text: string) => () =>
      decodeEntry({ seq: 7, bytes: new TextEncoder().encode(text) }, NO_ENTRY_HASH);
    expect(decode("hello")).toThrow(/log entry 7 .*not JSON/);
    expect(decode("[]")).toThrow(/log entry 7 .*no version/);
    expect(decode('{"v":3}')).toThrow(/log entry 7 .*version 3; .*reads versions 1 and 2/);
    const unknown = `{"v":1,"term":1,"atUnixMs":1,"previous":"${NO_ENTRY_HASH}","events":[{"type":"Surprise"}]}`;
    expect(decode(unknown)).toThrow(/log entry 7 .*events\.0\.type/);
  });

  it("stays within the bound on an entry when it is full", () => {
    const draft = new EntryDraft({ seq: 1, term: 1_000_000, atUnixMs: Number.MAX_VALUE });
    const bytes = encodeEvent(event);
    while (draft.fits(bytes.length)) draft.add(bytes);
    expect(draft.eventCount).toBeGreaterThan(100);
    expect(draft.encode(NO_ENTRY_HASH).length).toBeLessThanOrEqual(64 * 1024);
    expect(draft.encode(NO_ENTRY_HASH).length).toBeGreaterThan(EVENT_BYTES_MAX - bytes.length);
  });
});
