import { expect, test } from "vitest";
import { parseGpuListing, parseSliceListing, withSlices } from "./gpu-listing.ts";

test("a listing of GPUs survives warnings, missing values and devices that fell off the bus", () => {
  const text = [
    "GPU-b, NVIDIA H100 80GB HBM3, 81559, 550.54.15, 00000000:4E:00.0",
    "Unable to determine the device handle for GPU 0000:3B:00.0: Unknown Error",
    "GPU-a, NVIDIA A100-SXM4-40GB, [N/A], [N/A], 00000000:07:00.0",
    "",
  ].join("\n");
  expect(parseGpuListing(text)).toEqual([
    {
      uuid: "GPU-a",
      model: "NVIDIA A100-SXM4-40GB",
      memoryMiB: null,
      driverVersion: null,
      pciAddress: "00000000:07:00.0",
    },
    {
      uuid: "GPU-b",
      model: "NVIDIA H100 80GB HBM3",
      memoryMiB: 81_559,
      driverVersion: "550.54.15",
      pciAddress: "00000000:4E:00.0",
    },
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
  const gpus = parseGpuListing("GPU-a, A100, 40960, 1, 0\nGPU-b, A100, 40960, 1, 1");
  expect(withSlices(gpus, parseSliceListing(text))).toMatchObject([
    {
      uuid: "GPU-a",
      slices: [
        {
          uuid: "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
          profile: "3g.20gb",
          memoryMiB: null,
        },
        { uuid: "MIG-GPU-a/7/0", profile: "1g.5gb+me", memoryMiB: null },
      ],
    },
    { uuid: "GPU-b" },
  ]);
  expect(withSlices(gpus, parseSliceListing(""))).toEqual(gpus);
});
