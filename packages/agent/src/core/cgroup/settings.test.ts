import { expect, test } from "vitest";
import type { Controller } from "./hierarchies.ts";
import { boundsOf, settingsOf } from "./settings.ts";

const granted = {
  cpuMillis: 500,
  memoryMiB: 64,
  diskMiB: 0,
  networkMbps: 0,
  gpuUuids: [],
  ports: {},
};
const host = { disks: ["8:0", "259:0"], deniedDevices: ["c 195:1"] };

function written(controller: Controller, version: 1 | 2, limits = {}): Record<string, string[]> {
  const files: Record<string, string[]> = {};
  for (const { file, text } of settingsOf(controller, version, boundsOf(granted, limits, host))) {
    (files[file] ??= []).push(text);
  }
  return files;
}

test("without limits of its own a task has its part of the processors and the memory it was granted", () => {
  expect(written("cpu", 1)).toEqual({ "cpu.shares": ["512"] });
  expect(written("cpu", 2)).toEqual({ "cpu.weight": ["50"] });
  expect(written("memory", 1)["memory.limit_in_bytes"]).toEqual(["67108864"]);
  expect(written("memory", 2)).toEqual({
    "memory.max": ["67108864"],
    "memory.swap.max": ["0"],
    "memory.low": ["67108864"],
    "memory.oom.group": ["1"],
  });
  expect(written("pids", 2)).toEqual({ "pids.max": ["4096"] });
  expect([written("io", 1), written("io", 2)]).toEqual([{}, {}]);
});

test("limits are what it may use at most, in the words of both versions", () => {
  const limits = { cpuMillis: 1_500, memoryMiB: 128, pids: 9, diskReadMiB: 1, diskWriteMiB: 2 };
  expect(written("cpu", 1, limits)).toMatchObject({
    "cpu.cfs_period_us": ["100000"],
    "cpu.cfs_quota_us": ["150000"],
  });
  expect(written("cpu", 2, limits)).toMatchObject({ "cpu.max": ["150000 100000"] });
  expect(written("memory", 1, limits)).toEqual({
    "memory.limit_in_bytes": ["134217728"],
    "memory.memsw.limit_in_bytes": ["134217728"],
    "memory.soft_limit_in_bytes": ["67108864"],
  });
  expect(written("io", 1, limits)).toEqual({
    "blkio.throttle.read_bps_device": ["8:0 1048576", "259:0 1048576"],
    "blkio.throttle.write_bps_device": ["8:0 2097152", "259:0 2097152"],
  });
  expect(written("io", 2, limits)).toEqual({
    "io.max": ["8:0 rbps=1048576 wbps=2097152", "259:0 rbps=1048576 wbps=2097152"],
  });
  expect(written("pids", 1, limits)).toEqual({ "pids.max": ["9"] });
  expect(written("devices", 1, limits)).toEqual({ "devices.deny": ["c 195:1 rwm"] });
});

test("nothing is written that the kernel would refuse for its size", () => {
  const tiny = boundsOf({ ...granted, cpuMillis: 0 }, { cpuMillis: 10 }, host);
  const texts = (version: 1 | 2) => settingsOf("cpu", version, tiny).map(({ text }) => text);
  expect(texts(1)).toEqual(["2", "100000", "1000"]);
  expect(texts(2)).toEqual(["1", "1000 100000"]);
  const huge = boundsOf({ ...granted, cpuMillis: 2 ** 36 }, {}, host);
  expect(settingsOf("cpu", 1, huge)[0]?.text).toBe("262144");
  expect(settingsOf("cpu", 2, huge)[0]?.text).toBe("10000");
});

test("a limit on memory below the grant does not take from it", () => {
  expect(boundsOf(granted, { memoryMiB: 8 }, host).memoryMiBMax).toBe(64);
});
