import { expect, test } from "vitest";
import { parseGpuListing } from "./gpu-listing.ts";

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
