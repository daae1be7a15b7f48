import { expect, test } from "vitest";
import { deniedGpus, parseGpuInformation } from "./gpu-minors.ts";

const INFORMATION = `Model: \t\t NVIDIA H100 80GB HBM3
IRQ:   \t\t 42
GPU UUID: \t GPU-0a1b2c3d-0000-1111-2222-333344445555
Bus Location: \t 0000:01:00.0
Device Minor: \t 3
GPU Firmware: \t 535.129.03
`;

test("a driver's description of a device tells its UUID and the number of its file", () => {
  const uuid = "GPU-0a1b2c3d-0000-1111-2222-333344445555";
  expect(parseGpuInformation(INFORMATION)).toEqual({ uuid, minor: 3 });
  expect(parseGpuInformation("GPU UUID: \t GPU-????????")).toBeNull();
});

test("what was not granted is denied; nothing is where a slice hides which device it is of", () => {
  const gpus = [0, 1].map((minor) => ({ uuid: `GPU-${minor}`, minor }));
  expect(deniedGpus(gpus, [])).toEqual(["c 195:0", "c 195:1"]);
  expect(deniedGpus(gpus, ["GPU-1"])).toEqual(["c 195:0"]);
  expect(deniedGpus(gpus, ["MIG-7"])).toEqual([]);
});
