import { hashEntry, type Log, type SnapshotStore } from "@berth/runtime";
import { memoryLogger, type MemorySnapshots, memorySnapshots } from "@berth/runtime/memory";
import { beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { recoverState } from "../src/shell/recover-state.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import { snapshotLimits } from "../src/shell/snapshot-limits.ts";
import { takeSnapshot } from "../src/shell/snapshot-take.ts";
import { StoredLog } from "./stored-log.ts";

let world: StoredLog;
let store: MemorySnapshots;
let logger: ReturnType<typeof memoryLogger>;
beforeEach(() => {
  world = new StoredLog();
  store = memorySnapshots("the store");
  logger = memoryLogger();
});

const recover = (...others: SnapshotStore[]) =>
  recoverState({ log: world.log, snapshots: [store, ...others], logger });
const snapshotAt = async (seq: number, into: SnapshotStore = store) => {
  world.growTo(seq);
  return takeSnapshot(into, await replayLog(world.log), world.clock.nowUnixMs());
};
const wholeLogHash = async () => stateHash((await replayLog(world.log)).state);
const bitFlipped = (bytes: Uint8Array, at: number) => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
};
const text = (content: string) => new TextEncoder().encode(content);

describe("recovery", () => {
  it("of an empty log is an empty state", async () => {
    expect(await recover()).toMatchObject({ lastSeq: 0, snapshotSeq: 0 });
  });

  it("[INV4] begins with the newest snapshot and ends with the same state as the whole log", async () => {
    await snapshotAt(10);
    await snapshotAt(20);
    world.growTo(33);
    const recovered = await recover();
    expect(recovered).toMatchObject({ lastSeq: 33, snapshotSeq: 20, skipped: [] });
    expect(stateHash(recovered.state)).toBe(await wholeLogHash());
    const last = world.log.entries().at(-1);
    expect(recovered.lastHash).toBe(hashEntry(last?.bytes ?? new Uint8Array()));
  });

  it("needs no entry before the snapshot's own, and not even that one", async () => {
    await snapshotAt(20);
    world.growTo(25);
    const expected = await wholeLogHash();
    for (const first of [20, 21]) {
      await world.log.purgeBefore(first);
      const recovered = await recover();
      expect(recovered).toMatchObject({ snapshotSeq: 20, lastSeq: 25 });
      expect(stateHash(recovered.state)).toBe(expected);
    }
  });

  it("takes any store's copy when another's is damaged", async () => {
    const other = memorySnapshots("the other store");
    const { id } = await snapshotAt(20);
    await snapshotAt(20, other);
    bitFlipped(store.kept(id).chunks[0] ?? new Uint8Array(1), 100);
    const { snapshotSeq, skipped } = await recover(other);
    expect(snapshotSeq).toBe(20);
    expect(skipped).toMatchObject([{ store: "the store", seq: 20 }]);
  });
});

describe("recovery that purges overtake", () => {
  /** What another scheduler's round does: a newer snapshot, and the log starts there. */
  const moveOn = async () => {
    const { last } = await world.log.bounds();
    world.growTo(last + 10);
    const { id } = await takeSnapshot(store, await recover(), world.clock.nowUnixMs());
    for (const older of await store.list()) if (older.id !== id) await store.remove(older.id);
    await world.log.purgeBefore(last + 10);
    world.growTo(last + 15);
  };
  /** The log, with something that happens right before its first so many answers of a kind. */
  const disturbed = (method: "bounds" | "read", times: number): Log => {
    let left = times;
    const disturb = async () => {
      left -= 1;
      if (left >= 0) await moveOn();
    };
    return {
      ...world.log,
      async bounds() {
        if (method === "bounds") await disturb();
        return world.log.bounds();
      },
      async *read(fromSeq) {
        if (method === "read") await disturb();
        yield* world.log.read(fromSeq);
      },
    };
  };
  const recoverDisturbed = (method: "bounds" | "read", times: number) =>
    recoverState({ log: disturbed(method, times), snapshots: [store], logger });

  it.each([
    ["the snapshots it has listed are gone", "bounds"],
    ["the entries it was to read are gone", "read"],
  ] as const)("begins again with the newest snapshot when %s", async (_name, method) => {
    for (const [times, snapshotSeq] of [
      [1, 20],
      [2, 35],
    ] as const) {
      store = memorySnapshots("the store");
      world = new StoredLog();
      await snapshotAt(10);
      const recovered = await recoverDisturbed(method, times);
      expect(recovered).toMatchObject({ snapshotSeq, lastSeq: snapshotSeq + 5 });
      expect(stateHash(recovered.state)).toBe(stateHash((await recover()).state));
    }
  });

  it("begins with the first snapshot of all when the log's start goes meanwhile", async () => {
    world.growTo(10);
    expect(await recoverDisturbed("read", 1)).toMatchObject({ snapshotSeq: 20, lastSeq: 25 });
  });

  it("is to be tried again later when it is overtaken again and again", async () => {
    await snapshotAt(10);
    const { recoverAttemptsMax } = snapshotLimits;
    await expect(recoverDisturbed("read", recoverAttemptsMax)).rejects.toMatchObject({
      code: "log.unavailable",
      retryable: true,
      message: expect.stringContaining(`purged ${recoverAttemptsMax} times`),
    });
  });

  it("ends when the entries are gone and nothing newer stands for them", async () => {
    await snapshotAt(10);
    world.growTo(30);
    const log: Log = {
      ...world.log,
      async *read(fromSeq) {
        await world.log.purgeBefore(20);
        yield* world.log.read(fromSeq);
      },
    };
    await expect(recoverState({ log, snapshots: [store], logger })).rejects.toMatchObject({
      code: "invalid",
      retryable: false,
      message: expect.stringMatching(
        /log starts at entry 20, and no snapshot can stand for entries 1 to 19: .*ends at entry 10/,
      ),
    });
  });
});

describe("recovery falls back, says why and leaves what it found as it was", () => {
  const damages: [string, (kept: ReturnType<MemorySnapshots["kept"]>) => void, RegExp][] = [
    ["a flipped bit", ({ chunks }) => bitFlipped(chunks[0] ?? new Uint8Array(1), 50), /checksum/],
    [
      "a cut-off chunk",
      ({ chunks }) => chunks.push((chunks.pop() ?? text("")).slice(0, -5)),
      /not whole: .* bytes/,
    ],
    ["a missing chunk", ({ chunks }) => chunks.pop(), /not whole: \d+ of \d+ chunks/],
    ["a manifest that is no JSON", (kept) => (kept.manifest = text("{")), /manifest is not JSON/],
    [
      "a manifest with a field missing",
      (kept) => (kept.manifest = text('{"v":1}')),
      /manifest is damaged: seq/,
    ],
    [
      "a manifest of a later version",
      (kept) => (kept.manifest = text('{"v":2}')),
      /version 2; this program reads 1/,
    ],
  ];
  it.each(damages)("from a snapshot with %s to the one before", async (_name, damage, why) => {
    await snapshotAt(10);
    const { id } = await snapshotAt(20);
    world.growTo(25);
    damage(store.kept(id));
    const before = structuredClone(store.kept(id));
    const recovered = await recover();
    expect(recovered).toMatchObject({ snapshotSeq: 10, lastSeq: 25 });
    expect(stateHash(recovered.state)).toBe(await wholeLogHash());
    expect(recovered.skipped).toEqual([
      {
        store: "the store",
        id,
        seq: /damaged|JSON|version/.test(String(why)) ? null : 20,
        problem: expect.stringMatching(why),
      },
    ]);
    expect(logger.lines.map(({ message }) => message).join()).toContain("cannot be used");
    expect(store.kept(id)).toEqual(before);
  });

  it("from a state that is written in a later version", async () => {
    await snapshotAt(10);
    const { id, manifest } = await snapshotAt(20);
    store.plant(id, { ...manifest, stateVersion: 9 }, store.kept(id).chunks);
    const { snapshotSeq, skipped } = await recover();
    expect(snapshotSeq).toBe(10);
    expect(skipped).toMatchObject([{ seq: 20, problem: expect.stringContaining("version 9") }]);
  });

  it("from a snapshot whose state is not the one it names", async () => {
    await snapshotAt(10);
    const { id } = await snapshotAt(20);
    const ten = (await store.list()).at(-1);
    const twenty = store.kept(id);
    twenty.chunks.splice(0, twenty.chunks.length, ...store.kept(ten?.id ?? "").chunks);
    expect((await recover()).snapshotSeq).toBe(10);
  });

  it("from a snapshot of another history to the whole log", async () => {
    const stranger = new StoredLog();
    stranger.clock.advance(12_345);
    stranger.growTo(20);
    await takeSnapshot(store, await replayLog(stranger.log), 0);
    world.growTo(25);
    const { snapshotSeq, skipped } = await recover();
    expect(snapshotSeq).toBe(0);
    expect(skipped).toMatchObject([{ seq: 20, problem: expect.stringContaining("another entry") }]);
  });

  it("to the whole log when no snapshot is any good", async () => {
    const { id } = await snapshotAt(20);
    store.kept(id).chunks.pop();
    expect((await recover()).snapshotSeq).toBe(0);
  });
});

describe("recovery refuses, names sequence and cause, and deletes nothing", () => {
  const refusal = async (...pattern: RegExp[]) => {
    const [entries, listed] = [world.log.entries().length, await store.list()];
    const error: unknown = await recover().catch((cause: unknown) => cause);
    for (const one of pattern) {
      expect(error).toMatchObject({ code: "invalid", retryable: false });
      expect(String(error)).toMatch(one);
    }
    expect(world.log.entries()).toHaveLength(entries);
    expect(await store.list()).toEqual(listed);
  };

  it("a log whose start is gone, without a snapshot", async () => {
    world.growTo(30);
    await world.log.purgeBefore(12);
    await refusal(/log starts at entry 12/, /entries 1 to 11/, /there is none/);
  });

  it("a log whose start is gone, with snapshots that are too old, damaged or too new", async () => {
    await snapshotAt(5);
    const damaged = await snapshotAt(20);
    store.kept(damaged.id).chunks.pop();
    store.plant("99-future", { v: 3 });
    world.growTo(30);
    await world.log.purgeBefore(12);
    await refusal(
      /99-future in the store: its manifest has version 3/,
      new RegExp(`${damaged.id} in the store: it is not whole`),
      /it ends at entry 5, and the log starts at 12: entries 6 to 11 are gone/,
    );
  });

  it("a log that ends before a snapshot: it was restored from an older copy", async () => {
    await snapshotAt(20);
    const older = new StoredLog();
    older.growTo(15);
    world = older;
    await refusal(/the log ends at entry 15/, /taken after entry 20/, /entries 16 to 20 are gone/);
  });

  it("an emptied log while there are snapshots", async () => {
    await snapshotAt(20);
    world = new StoredLog();
    await refusal(/the log ends at entry 0/, /entries 1 to 20 are gone/);
  });

  const entries: [string, (world: StoredLog) => Uint8Array, RegExp][] = [
    ["a foreign message", () => text("hello"), /it is not JSON/],
    ["an object that is no entry", () => text('{"a":1}'), /it has no version/],
    [
      "an entry of a later version",
      () => text('{"v":3,"events":[]}'),
      /it has version 3; this scheduler reads versions 1 and 2/,
    ],
    [
      "an entry with an unknown event",
      (w) => edited(w, '"type":"WorkloadApplied"', '"type":"Quantum"'),
      /events\.0\.type/,
    ],
    [
      "a broken chain",
      (w) => edited(w, /"previous":"[0-9a-f]{4}/, '"previous":"0000'),
      /history was rewritten/,
    ],
    [
      "an event that cannot follow",
      (w) => edited(w, /"version":\d+/, '"version":99'),
      /cannot follow from the state before it/,
    ],
  ];
  const edited = ({ log }: StoredLog, from: string | RegExp, to: string) => {
    const entry = log.entries()[24];
    return text(new TextDecoder().decode(entry?.bytes).replace(from, to));
  };
  it.each(entries)("%s in the log, after a snapshot or without one", async (_name, make, why) => {
    world.growTo(30);
    world.log.overwrite(25, make(world));
    await refusal(/log entry 25/, why);
    const whole = new StoredLog();
    whole.growTo(20);
    await takeSnapshot(store, await replayLog(whole.log), 0);
    await refusal(/log entry 25/, why);
  });

  it("a first entry that does not continue from the snapshot right before it", async () => {
    const stranger = new StoredLog();
    stranger.clock.advance(12_345);
    stranger.growTo(20);
    await takeSnapshot(store, await replayLog(stranger.log), 0);
    world.growTo(25);
    await world.log.purgeBefore(21);
    await refusal(/log entry 21/, /history was rewritten/);
  });

  it("but tries on when the log or the store does not answer", async () => {
    world.growTo(5);
    world.log.setAvailable(false);
    await expect(recover()).rejects.toMatchObject({ code: "log.unavailable", retryable: true });
  });
});
