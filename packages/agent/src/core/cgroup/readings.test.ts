import { expect, test } from "vitest";
import { groupRates, numberAfter, parseIoStat, parseServiceBytes } from "./readings.ts";

test("a number is read after its whole word", () => {
  const text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
  expect(numberAfter(text, "oom_kill")).toBe(3);
  expect(numberAfter(text, "oom")).toBeNull();
  expect(numberAfter("oom_kill max", "oom_kill")).toBeNull();
  expect(numberAfter(null, "oom_kill")).toBeNull();
});

test("bytes from and to disks are summed over all, in the words of both versions", () => {
  const v2 =
    "8:0 rbytes=100 wbytes=20 rios=3 wios=1 dbytes=0 dios=0\n254:0 rbytes=1 wbytes=2 rios=9";
  expect(parseIoStat(v2)).toEqual({ readBytes: 101, writtenBytes: 22 });
  const v1 = "8:0 Read 100\n8:0 Write 20\n8:0 Sync 120\n254:0 Read 1\n8:0 Total 120\nTotal 121";
  expect(parseServiceBytes(v1)).toEqual({ readBytes: 101, writtenBytes: 20 });
});

test("rates are between two readings, and null where one of them is missing", () => {
  const disk = { readBytes: 0, writtenBytes: 0 };
  const before = { atMs: 0, cpuMs: 0, throttledMs: null, disk };
  const now = { atMs: 2_000, cpuMs: 500, throttledMs: 5, disk: { ...disk, writtenBytes: 2 ** 22 } };
  expect(groupRates(undefined, now).cpuMillis).toBeNull();
  expect(groupRates(before, now)).toEqual({
    cpuMillis: 250,
    throttledMillis: null,
    diskReadMiBps: 0,
    diskWriteMiBps: 2,
  });
});
