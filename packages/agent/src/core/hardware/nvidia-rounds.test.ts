import { expect, test } from "vitest";
import type { NvidiaColumn } from "./nvidia-query.ts";
import { lostAddress, NvidiaRounds } from "./nvidia-rounds.ts";

const COLUMNS: NvidiaColumn[] = ["index", "uuid", "name"];

test("a round is complete when its first device comes again, and has who was in it", () => {
  const rounds = new NvidiaRounds(COLUMNS);
  const lines = [
    "0, GPU-a, H100",
    "1, GPU-b, H100",
    "0, GPU-a, H100",
    "Unable to determine the device handle for GPU1: 0000:4E:00.0: GPU is lost.",
    "0, GPU-a, H100",
    "0, GPU-a, H100",
  ];
  const complete = lines.map((line) => rounds.add(line)).filter((round) => round !== null);
  expect(complete.map(({ rows, lost }) => [rows.map(({ gpu }) => gpu.uuid), lost])).toEqual([
    [["GPU-a", "GPU-b"], []],
    [["GPU-a"], ["0000:4E:00.0"]],
    [["GPU-a"], []],
  ]);
});

test.each([
  ["Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error", "0000:3B:00.0"],
  ["Unable to determine the device handle for GPU0000:CB:00.0: Unknown Error", "0000:CB:00.0"],
  ["Unable to determine the device handle for GPU1: 0000:34:00.0: Unknown Error", "0000:34:00.0"],
  ["Unable to determine the device handle for GPU1: Unknown Error", null],
  ["0, GPU-a, H100, 00000000:3B:00.0", null],
])("the tool names a device that it cannot reach: %s", (line, address) => {
  expect(lostAddress(line)).toBe(address);
});
