import { type ClusterEvent, limits, NodeDescription } from "@berth/protocol";
import { memoryLog, type MemoryLog, virtualClock } from "@berth/runtime/memory";
import { describe, expect, it } from "vitest";
import { applyEntry, stateHash } from "../src/core/index.ts";
import { EntryJournal, type JournalFailure } from "../src/shell/entry-journal.ts";
import { decodeEntry, encodeEvent, EntryDraft, hashEntry } from "../src/shell/log-codec.ts";
import { refusals } from "../src/shell/refusal.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import { nodeDescription, nodeId } from "./shell-world.ts";

const clock = virtualClock();
const registered = (number: number): ClusterEvent => ({
  type: "NodeRegistered",
  node: NodeDescription.parse(nodeDescription(nodeId(number))),
});
const statusChanged = (number: number, reason: string): ClusterEvent => ({
  type: "NodeStatusChanged",
  nodeId: nodeId(number),
  status: "suspect",
  reason,
});

async function journalOn(log: MemoryLog) {
  const draft = new EntryDraft({ seq: 1, term: 1, atUnixMs: clock.nowUnixMs() });
  const started = { clusterId: "c0123456789ab", term: 1, leader: "test", version: "test" };
  draft.add(encodeEvent({ type: "LeaderStarted", ...started } as ClusterEvent));
  log.intrude(draft.encode("0".repeat(64)));
  const replayed = await replayLog(log);
  const durable: number[] = [];
  const failures: JournalFailure[] = [];
  const journal = new EntryJournal(
    {
      log,
      clock,
      onDurable: (seq) => durable.push(seq),
      onFailure: (failure) => failures.push(failure),
    },
    replayed,
  );
  return { journal, state: replayed.state, durable, failures };
}

async function settle(holds: () => boolean): Promise<void> {
  for (let steps = 0; !holds(); steps += 1) {
    if (steps > 10_000) throw new Error("never came true");
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1);
  }
}

async function readAll(log: MemoryLog): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const { bytes } of log.read(1)) all.push(bytes);
  return all;
}

describe("the journal", () => {
  it("gathers events while one entry is on its way, and the log folds to the same state", async () => {
    const log = memoryLog({ clock, appendDelayMs: 10 });
    const { journal, state } = await journalOn(log);
    for (let number = 0; number < 20; number += 1) {
      journal.record([registered(number)]);
      journal.record([statusChanged(number, "silent")]);
      journal.flush();
    }
    await settle(() => journal.isDurable);
    expect(log.entries()).toHaveLength(3);
    const replayed = await replayLog(log);
    expect(stateHash(replayed.state)).toBe(stateHash(state));
    expect(replayed.state.events).toEqual(state.events);
  });

  it("splits what does not fit one entry, in order and within the bound", async () => {
    const log = memoryLog({ clock });
    const { journal, state } = await journalOn(log);
    const many = Array.from({ length: 2_000 }, (_, at) => statusChanged(1, `reason ${at}`));
    journal.record([registered(1), ...many]);
    journal.flush();
    await settle(() => journal.isDurable);
    expect(log.entries().length).toBeGreaterThan(3);
    for (const { bytes } of log.entries()) expect(bytes.length).toBeLessThan(limits.entryBytesMax);
    expect(stateHash((await replayLog(log)).state)).toBe(stateHash(state));
  });

  it("[INV7] keeps a whole in one entry, however large, and splits what is around it", async () => {
    const log = memoryLog({ clock });
    const { journal, state } = await journalOn(log);
    const events = Array.from({ length: 3_000 }, (_, at) => statusChanged(1, `reason ${at}`));
    const whole = { from: 700, count: 1_500 };
    journal.record([registered(1)]);
    journal.record(events, [whole]);
    journal.flush();
    await settle(() => journal.isDurable);
    let at = -2;
    const holding = log.entries().filter((stored) => {
      const from = at;
      at += decodeEntry(stored, null).events.length;
      return from < whole.from + whole.count && at > whole.from;
    });
    expect(holding).toHaveLength(1);
    expect(holding[0]?.bytes.length).toBeGreaterThan(limits.entryBytesMax);
    const others = log.entries().filter((stored) => stored !== holding[0]);
    for (const { bytes } of others) expect(bytes.length).toBeLessThan(limits.entryBytesMax);
    expect(stateHash((await replayLog(log)).state)).toBe(stateHash(state));
  });

  it("keeps events that fit one entry together, closing the one before", async () => {
    const log = memoryLog({ clock });
    const { journal } = await journalOn(log);
    const half = Array.from({ length: 300 }, (_, at) => statusChanged(1, `reason ${at}`));
    journal.record([registered(1)]);
    journal.record(half);
    journal.record(half);
    journal.flush();
    await settle(() => journal.isDurable);
    const [, first, second] = log.entries();
    if (!first || !second) throw new Error("two entries expected");
    const { previous } = JSON.parse(new TextDecoder().decode(first.bytes)) as { previous: string };
    expect(decodeEntry(first, previous).events).toHaveLength(301);
    expect(decodeEntry(second, hashEntry(first.bytes)).events).toHaveLength(300);
  });

  it("releases in order, each only when its entry is durable", async () => {
    const log = memoryLog({ clock, appendDelayMs: 10 });
    const { journal } = await journalOn(log);
    const released: string[] = [];
    journal.whenDurable(() => released.push(`at once: ${log.entries().length}`));
    journal.record([registered(1)]);
    journal.whenDurable(() => released.push(`first: ${log.entries().length}`));
    journal.flush();
    journal.record([statusChanged(1, "x")]);
    journal.whenDurable(() => released.push(`second: ${log.entries().length}`));
    journal.flush();
    await settle(() => released.length === 3);
    expect(released).toEqual(["at once: 1", "first: 3", "second: 3"]);
  });

  it("refuses all that waits when an append fails, and tells why once", async () => {
    const log = memoryLog({ clock });
    const { journal, failures, durable } = await journalOn(log);
    const refused: string[] = [];
    log.failNext("lost");
    journal.record([registered(1)]);
    journal.whenDurable(
      () => refused.push("released"),
      ({ code }) => refused.push(code),
    );
    journal.flush();
    await settle(() => failures.length === 1);
    journal.abandon(refusals.logUnavailable("test"));
    expect(refused).toEqual(["log.unavailable"]);
    expect(failures).toMatchObject([{ result: "ambiguous" }]);
    expect(durable).toEqual([]);
  });

  it("[INV3] stores nothing behind another leader's entry, whatever it had collected", async () => {
    const log = memoryLog({ clock, appendDelayMs: 10 });
    const { journal, failures } = await journalOn(log);
    const [first] = await readAll(log);
    for (let number = 0; number < 200; number += 1) journal.record([registered(number)]);
    // The new leader's entry takes the place of the first of several that are complete.
    const draft = new EntryDraft({ seq: 2, term: 2, atUnixMs: clock.nowUnixMs() });
    const started = { clusterId: "c0123456789ab", term: 2, leader: "other", version: "test" };
    draft.add(encodeEvent({ type: "LeaderStarted", ...started } as ClusterEvent));
    log.intrude(draft.encode(hashEntry(first ?? new Uint8Array())));
    journal.flush();
    await settle(() => failures.length > 0);
    for (let step = 0; step < 100; step += 1) await settle(() => true);
    expect(failures).toEqual([{ result: "conflict" }]);
    expect(await readAll(log)).toHaveLength(2);
    await expect(replayLog(log)).resolves.toMatchObject({ lastSeq: 2 });
  });

  it("takes nothing of events of which one fits no entry", async () => {
    const { journal, state } = await journalOn(memoryLog({ clock }));
    journal.record([registered(1)]);
    const before = stateHash(state);
    const tooLarge = statusChanged(1, "x".repeat(limits.entryBytesMax));
    expect(journal.tryRecord([statusChanged(1, "short"), tooLarge])).toBeNull();
    expect(stateHash(state)).toBe(before);
  });
});

describe("an entry applied part by part", () => {
  it("leaves the same state and the same events as the whole entry", async () => {
    const events = [registered(1), statusChanged(1, "a"), statusChanged(1, "b")];
    const entry = (of: ClusterEvent[]) =>
      ({ v: 1, term: 1, atUnixMs: 5, previous: "", events: of }) as const;
    const whole = (await journalOn(memoryLog({ clock }))).state;
    applyEntry(whole, 2, entry(events));
    const parts = (await journalOn(memoryLog({ clock }))).state;
    for (const [at, event] of events.entries()) applyEntry(parts, 2, entry([event]), at);
    expect(stateHash(parts)).toBe(stateHash(whole));
    expect(parts.events).toEqual(whole.events);
  });
});
