import { expect, test } from "vitest";
import { fixture } from "../../../test/support/fixture.ts";
import { NVIDIA_COLUMNS, parseNvidiaRows } from "./nvidia-query.ts";
import { parseSliceListing, parseSliceMemory, withSlices } from "./nvidia-slices.ts";

test("the slices of a recorded H100 have the memory that the driver says, not their profile", () => {
  const memory = parseSliceMemory(fixture("nvidia/h100-mig-q.txt"));
  expect(memory).toEqual(
    new Map([
      [
        "00000000:00:09.0",
        new Map([
          [0, 40_448],
          [1, 20_096],
          [2, 9_984],
          [3, 9_984],
        ]),
      ],
    ]),
  );
  const slices = parseSliceListing(fixture("nvidia/h100-mig-list.txt"));
  const [row] = parseNvidiaRows(fixture("nvidia/h100-mig.csv"), NVIDIA_COLUMNS);
  expect(row && withSlices(row.gpu, slices, memory).slices).toMatchObject([
    { profile: "3g.40gb", memoryMiB: 40_448 },
    { profile: "2g.20gb", memoryMiB: 20_096 },
    { profile: "1g.10gb", memoryMiB: 9_984 },
    { profile: "1g.10gb", memoryMiB: 9_984 },
  ]);
});

test("slices are those of the device above them, in the words of old and new drivers", () => {
  const text = [
    "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a)",
    "  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)",
    "  MIG 1g.5gb+me   Device  1: (UUID: MIG-GPU-a/7/0)",
    "GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-b)",
    "Unable to determine the device handle for gpu 0000:3B:00.0: Unknown Error",
    "",
  ].join("\n");
  const listed = parseSliceListing(text);
  expect(listed.get("GPU-a")?.map(({ slice }) => slice)).toEqual([
    { uuid: "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", profile: "3g.20gb", memoryMiB: null },
    { uuid: "MIG-GPU-a/7/0", profile: "1g.5gb+me", memoryMiB: null },
  ]);
  expect(listed.get("GPU-b")).toEqual([]);
  expect(parseSliceListing("")).toEqual(new Map());
});
