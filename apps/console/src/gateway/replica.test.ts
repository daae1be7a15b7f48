import { type ClusterId, LOG_VERSION, type LogEntry } from "@berth/protocol";
import { hashEntry, NO_ENTRY_HASH } from "@berth/runtime";
import {
  memoryLog,
  memoryLogger,
  memorySnapshots,
  seededRandom,
  virtualClock,
} from "@berth/runtime/memory";
import {
  applyEntry,
  createState,
  encodeState,
  STATE_FORMAT_VERSION,
  stateHash,
} from "@berth/scheduler/state";
import { expect, it, vi } from "vitest";
import { type Fold, Replica } from "./replica.ts";

it("begins with a snapshot where the log's start is gone, and follows on from there", async () => {
  const clock = virtualClock();
  const log = memoryLog({ clock });
  const store = memorySnapshots();
  const state = createState();
  let previous = NO_ENTRY_HASH;
  const append = (term: number) => {
    const entry = newTerm(term, previous);
    const bytes = new TextEncoder().encode(JSON.stringify(entry));
    log.intrude(bytes);
    previous = hashEntry(bytes);
    applyEntry(state, term, entry);
  };
  for (const term of [1, 2, 3]) append(term);
  const header = {
    entryHash: previous,
    entryAtUnixMs: state.atUnixMs,
    stateHash: stateHash(state),
  };
  const versions = { stateVersion: STATE_FORMAT_VERSION, term: 3, takenAtUnixMs: 0 };
  await store.write({ seq: 3, ...header, ...versions }, encodeState(state));
  await log.purgeBefore(3);

  const folds: Fold[] = [];
  const seen: number[] = [];
  const replica = new Replica(
    { log, snapshots: [store], clock, random: seededRandom("replica"), logger: memoryLogger() },
    { onFold: (fold) => folds.push(fold), onChanges: ({ seq }) => seen.push(seq) },
  );
  replica.start();
  await vi.waitFor(() => expect(replica.isFollowing).toBe(true));
  append(4);
  await vi.waitFor(() => {
    clock.advance(10);
    expect(seen).toEqual([4]);
  });
  expect(folds).toHaveLength(1);
  expect(stateHash(folds[0]?.state ?? createState())).toBe(stateHash(state));
  replica.stop();
});

function newTerm(term: number, previous: string): LogEntry {
  const clusterId = "cabcdefghijklmnop" as ClusterId;
  const event = { type: "LeaderStarted", clusterId, term, leader: "test", version: "0" } as const;
  return { v: LOG_VERSION, term, atUnixMs: term, previous, events: [event] };
}
