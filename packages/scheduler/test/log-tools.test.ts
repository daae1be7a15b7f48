import { type AppendResult, loggerTo } from "@berth/runtime";
import { memoryLog, memorySnapshots } from "@berth/runtime/memory";
import { beforeEach, describe, expect, it } from "vitest";
import { stateHash } from "../src/core/index.ts";
import { exportLog, importLog, type LogPlace, statLog, verifyLog } from "../src/log-tools/index.ts";
import { recoverState } from "../src/shell/recover-state.ts";
import { replayLog } from "../src/shell/replay-log.ts";
import { takeSnapshot } from "../src/shell/snapshot-take.ts";
import { StoredLog } from "./stored-log.ts";

let world: StoredLog;
let engine: ReturnType<typeof memorySnapshots>;
let place: LogPlace;
beforeEach(() => {
  world = new StoredLog();
  engine = memorySnapshots("engine");
  place = { log: world.log, keeper: world.log, snapshots: [engine] };
});

const snapshotAt = async (seq: number) => {
  world.growTo(seq);
  return takeSnapshot(engine, await replayLog(world.log), 0);
};
const exported = async (from: LogPlace = place) => {
  const parts: Uint8Array[] = [];
  for await (const part of exportLog(from, { nowUnixMs: 1 })) parts.push(part);
  return Buffer.concat(parts);
};
const emptyPlace = () => {
  const log = memoryLog({ clock: world.clock });
  const snapshots = memorySnapshots("engine");
  return { log, keeper: log, snapshots: [snapshots] as const };
};
/** In pieces of a few bytes, as a disk never gives them. */
async function* pieces(file: Uint8Array, size = 997) {
  for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size);
}
const importInto = async (target: LogPlace, file: Uint8Array) => {
  const options = { open: () => pieces(file), nowUnixMs: 2, restartEngine: null };
  const ended = importLog(target, options);
  let isSettled = false;
  ended.then(
    () => (isSettled = true),
    () => (isSettled = true),
  );
  while (!isSettled) {
    await new Promise((resolve) => setImmediate(resolve));
    world.clock.advance(1);
  }
  return ended;
};
const recovered = ({ log, snapshots }: LogPlace) =>
  recoverState({ log, snapshots, logger: loggerTo(() => {}) });

describe("log stat", () => {
  it("counts the log and says of each snapshot whether it is whole", async () => {
    await snapshotAt(10);
    const { id } = await snapshotAt(20);
    engine.kept(id).chunks.pop();
    engine.plant("99-future", { v: 2 });
    world.growTo(25);
    await world.log.purgeBefore(5);
    const report = await statLog(place);
    expect(report).toMatchObject({ first: 5, last: 25, entries: 21 });
    expect(report.oldestAtUnixMs).toBe(world.clock.nowUnixMs());
    expect(report.snapshots.map(({ seq, problem }) => [seq, problem === null])).toEqual([
      [20, false],
      [10, true],
      [null, false],
    ]);
  });

  it("of an empty log is nothing", async () => {
    expect(await statLog(place)).toMatchObject({ entries: 0, oldestAtUnixMs: null, snapshots: [] });
  });
});

describe("log verify", () => {
  it("folds everything and compares every snapshot", async () => {
    await snapshotAt(10);
    await snapshotAt(20);
    world.growTo(30);
    expect(await verifyLog(place)).toEqual({
      ok: true,
      first: 1,
      last: 30,
      chained: 30,
      folded: 30,
      snapshots: 2,
      stateHash: stateHash((await replayLog(world.log)).state),
      problems: [],
    });
  });

  it("folds from the oldest snapshot where the start is gone", async () => {
    await snapshotAt(10);
    await snapshotAt(20);
    world.growTo(30);
    await world.log.purgeBefore(8);
    expect(await verifyLog(place)).toMatchObject({ ok: true, first: 8, chained: 23, folded: 20 });
    await world.log.purgeBefore(11);
    expect(await verifyLog(place)).toMatchObject({ ok: true, first: 11, chained: 20, folded: 20 });
  });

  it("names the first entry that is bad", async () => {
    world.growTo(30);
    world.log.overwrite(17, new TextEncoder().encode("{}"));
    world.log.overwrite(19, new TextEncoder().encode("{}"));
    const { ok, problems, stateHash: hash } = await verifyLog(place);
    expect({ ok, hash }).toEqual({ ok: false, hash: null });
    expect(problems).toEqual([
      { seq: 17, snapshot: null, cause: expect.stringContaining("log entry 17 cannot be used") },
    ]);
  });

  it("names snapshots that are damaged, too new, of another history or ahead of the log", async () => {
    const damaged = await snapshotAt(10);
    engine.kept(damaged.id).chunks.pop();
    engine.plant("98-future", { v: 2 });
    const stranger = new StoredLog();
    stranger.clock.advance(777);
    stranger.growTo(15);
    await takeSnapshot(engine, await replayLog(stranger.log), 0);
    stranger.growTo(40);
    await takeSnapshot(engine, await replayLog(stranger.log), 0);
    world.growTo(30);
    const { problems } = await verifyLog(place);
    const found = problems.map(({ seq, cause }) => `${seq}: ${cause}`).sort();
    expect(found).toEqual([
      expect.stringMatching(/^10: it is not whole/),
      expect.stringMatching(/^15: it ends with another entry/),
      expect.stringMatching(/^40: the log ends at entry 30/),
      expect.stringMatching(/^null: its manifest has version 2/),
    ]);
  });

  it("says when nothing stands for a start that is gone", async () => {
    world.growTo(30);
    await world.log.purgeBefore(8);
    const { ok, problems, chained } = await verifyLog(place);
    expect({ ok, chained }).toEqual({ ok: false, chained: 23 });
    expect(problems).toMatchObject([{ seq: 8, cause: expect.stringContaining("1 to 7 are gone") }]);
  });
});

describe("an exported log", () => {
  it("is imported byte for byte", async () => {
    world.growTo(30);
    const target = emptyPlace();
    const report = await importInto(target, await exported());
    expect(report).toMatchObject({ first: 1, last: 30, resumedAfter: null });
    expect(target.log.entries()).toEqual(world.log.entries());
    expect(stateHash((await recovered(target)).state)).toBe(report.stateHash);
    expect(await exported(target)).toEqual(await exported());
  });

  it("keeps its sequences and its history where the start is gone", async () => {
    await snapshotAt(10);
    await snapshotAt(20);
    world.growTo(30);
    for (const first of [9, 10, 11]) {
      await world.log.purgeBefore(first);
      const target = emptyPlace();
      await importInto(target, await exported());
      expect(await target.log.bounds()).toEqual({ first, last: 30 });
      expect(await verifyLog(target)).toMatchObject({ ok: true, folded: 20 });
    }
  });

  it("is refused by a log that holds anything else, and changes nothing there", async () => {
    world.growTo(30);
    const file = await exported();
    const other = new StoredLog();
    other.clock.advance(99);
    other.growTo(5);
    const target = { log: other.log, keeper: other.log, snapshots: [memorySnapshots()] as const };
    await expect(importInto(target, file)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("entries 1 to 5"),
    });
    expect(other.log.entries()).toHaveLength(5);
    expect(await target.snapshots[0].list()).toEqual([]);
  });

  it("is refused by the very log that it was made from", async () => {
    world.growTo(30);
    const file = await exported();
    world.growTo(35);
    await expect(importInto(place, file)).rejects.toMatchObject({ code: "conflict" });
    expect(await engine.list()).toEqual([]);
  });

  it("that was cut off while it was imported keeps schedulers away, and goes on when repeated", async () => {
    await snapshotAt(10);
    world.growTo(80);
    await world.log.purgeBefore(10);
    const file = await exported();
    const target = emptyPlace();
    const { log } = target;
    let left = 25;
    const append = async (bytes: Uint8Array, expected: number): Promise<AppendResult> => {
      left -= 1;
      return left < 0
        ? { result: "ambiguous", cause: new Error("the power failed") }
        : log.append(bytes, expected);
    };
    const cut = importInto({ ...target, log: { ...log, append } }, file);
    await expect(cut).rejects.toMatchObject({ code: "log.unavailable" });
    expect((await log.bounds()).last).toBe(34);
    await expect(recovered(target)).rejects.toMatchObject({
      message: expect.stringContaining("entries 35 to 80 are gone"),
    });
    expect(await importInto(target, file)).toMatchObject({ resumedAfter: 34, last: 80 });
    expect((await recovered(target)).lastSeq).toBe(80);
    expect(log.entries()).toEqual(world.log.entries());
  });

  it("is checked whole before anything is written: any changed byte, and any missing end", async () => {
    await snapshotAt(4);
    world.growTo(6);
    await world.log.purgeBefore(4);
    const file = await exported();
    for (let at = 0; at < file.length; at += 13) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 0x04;
      const target = emptyPlace();
      await expect(importInto(target, damaged), `byte ${at}`).rejects.toMatchObject({
        code: "invalid",
      });
      expect(target.log.entries()).toEqual([]);
      expect(await target.snapshots[0].list()).toEqual([]);
    }
    for (let length = 0; length < file.length - 1; length += 101) {
      await expect(importInto(emptyPlace(), file.subarray(0, length))).rejects.toMatchObject({
        code: "invalid",
      });
    }
  });

  it("of a later version, or of another kind, is refused by its first line", async () => {
    const refused = (text: string) => importInto(emptyPlace(), Buffer.from(text));
    await expect(refused('{"berth":"log","v":2}\n')).rejects.toThrow("line 1: its version is 2");
    await expect(refused('{"a":1}\n')).rejects.toThrow("line 1: this is not an exported log");
    await expect(refused("PK\u0003\u0004")).rejects.toThrow("line 1: this is not an exported log");
  });

  it("is not made of a log whose chain is broken, nor of an empty one", async () => {
    await expect(exported()).rejects.toMatchObject({ code: "not_found" });
    world.growTo(10);
    world.log.overwrite(7, new TextEncoder().encode("{}"));
    await expect(exported()).rejects.toThrow("log entry 7 cannot be used");
  });
});
