import type { LogStat } from "@berth/runtime";
import { memoryLogger, memorySnapshots, virtualClock } from "@berth/runtime/memory";
import { describe, expect, it } from "vitest";
import { snapshotLimits, snapshotTimings } from "../src/shell/snapshot-limits.ts";
import type { RoundOutcome } from "../src/shell/snapshot-round.ts";
import { isDue, SnapshotSchedule } from "../src/shell/snapshot-schedule.ts";
import { StoredLog } from "./stored-log.ts";

const { entriesBetweenMax, bytesBetweenMax } = snapshotLimits;
const { changeAgeMsMax, lookIntervalMs, retryMs } = snapshotTimings;
const newest = { seq: 100, takenAtUnixMs: 0 };
const stat = (entries: number, bytesEach = 100): LogStat => ({
  first: 101,
  last: 100 + entries,
  bytes: entries * bytesEach,
});

describe("a snapshot is due", () => {
  it("after so many entries, so many bytes, or so much time with any change", () => {
    expect(isDue(stat(entriesBetweenMax - 1), newest, 0)).toBe(false);
    expect(isDue(stat(entriesBetweenMax), newest, 0)).toBe(true);
    expect(isDue(stat(2_000, bytesBetweenMax / 2_000), newest, 0)).toBe(true);
    expect(isDue(stat(1), newest, changeAgeMsMax - 1)).toBe(false);
    expect(isDue(stat(1), newest, changeAgeMsMax)).toBe(true);
  });

  it("never while nothing has changed", () => {
    expect(isDue(stat(0), newest, 100 * changeAgeMsMax)).toBe(false);
    expect(isDue({ first: 1, last: 0, bytes: 0 }, { seq: 0, takenAtUnixMs: 0 }, 1e15)).toBe(false);
  });
});

describe("the schedule", () => {
  function start(round: () => Promise<RoundOutcome>) {
    const clock = virtualClock();
    const logger = memoryLogger();
    const world = new StoredLog();
    world.growTo(3);
    const leader = { isLeading: true };
    const schedule = new SnapshotSchedule({
      clock,
      logger,
      keeper: world.log,
      store: memorySnapshots(),
      isLeading: () => leader.isLeading,
      runRound: round,
    });
    schedule.start();
    const pass = async (ms: number) => {
      for (let passedMs = 0; passedMs < ms; passedMs += 1_000) {
        clock.advance(1_000);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { pass, leader, logger, schedule };
  }
  const outcome = { seq: 3, isNew: true, copied: 0, removed: 0, logFirst: 1, tookMs: 1 };

  it("has one taken by the leader, and by nobody else", async () => {
    let rounds = 0;
    const { pass, leader } = start(async () => {
      rounds += 1;
      return outcome;
    });
    leader.isLeading = false;
    await pass(2 * changeAgeMsMax);
    expect(rounds).toBe(0);
    leader.isLeading = true;
    await pass(changeAgeMsMax + 3 * lookIntervalMs);
    expect(rounds).toBe(1);
  });

  it("waits after one that failed, says why, and tries again", async () => {
    let rounds = 0;
    const { pass, logger, schedule } = start(async () => {
      rounds += 1;
      throw new Error("no room");
    });
    await pass(changeAgeMsMax + 3 * lookIntervalMs);
    expect(rounds).toBe(1);
    expect(logger.counts().get("snapshot internal")).toBe(1);
    await pass(retryMs + 1_000);
    expect(rounds).toBe(2);
    schedule.stop();
    await pass(2 * (changeAgeMsMax + retryMs));
    expect(rounds).toBe(2);
  });
});
