import type { Gpu } from "@berth/protocol";
import { expect, test } from "vitest";
import { withCredibleMemory, zonesOf } from "./numa-zones.ts";

const capacity = { cpuMillis: 24_000, memoryMiB: 128_800, diskMiB: 0, networkMbps: null };
const reserved = { cpuMillis: 600, memoryMiB: 3_600, diskMiB: 0, networkMbps: null };
const node = (id: number, threads: number, memoryMiB: number) => ({
  id,
  cpus: `${id}`,
  threads,
  memoryMiB,
  distances: [],
});
const gpu = (uuid: string, numaNode: number | null, slices?: Gpu["slices"]): Gpu => ({
  uuid,
  model: "NVIDIA H100",
  memoryMiB: null,
  driverVersion: null,
  pciAddress: null,
  numaNode,
  ...(slices === undefined ? {} : { slices }),
});

test("zones share what is kept back in proportion", () => {
  const zones = zonesOf([node(0, 16, 64_000), node(1, 8, 64_000)], [], capacity, reserved);
  expect(zones).toEqual([
    { id: 0, cpuMillis: 15_600, memoryMiB: 62_200, gpuUuids: [] },
    { id: 1, cpuMillis: 7_800, memoryMiB: 62_200, gpuUuids: [] },
  ]);
});

test("GPUs, or their slices, belong to the zone that they are near; some to none", () => {
  const slices = [{ uuid: "MIG-0", profile: "1g.10gb", memoryMiB: null }];
  const gpus = [gpu("GPU-0", 0, slices), gpu("GPU-1", 1), gpu("GPU-2", null)];
  const zones = zonesOf([node(0, 16, 64_000), node(1, 8, 64_000)], gpus, capacity, reserved);
  expect(zones?.map(({ gpuUuids }) => gpuUuids)).toEqual([["MIG-0"], ["GPU-1"]]);
});

test("one NUMA node is one zone", () => {
  expect(zonesOf([node(0, 24, 128_799)], [], capacity, reserved)).toMatchObject([{ id: 0 }]);
});

test("memory without processors is no zone", () => {
  const nodes = [node(0, 24, 64_000), node(2, 0, 64_000)];
  expect(zonesOf(nodes, [], capacity, reserved)).toMatchObject([{ id: 0 }]);
});

test("memory that does not add up to what there is is not believed", () => {
  const nodes = [node(0, 16, 64_000), node(1, 8, 64_000)];
  expect(withCredibleMemory(nodes, 128_800)).toEqual(nodes);
  const doubted = withCredibleMemory(nodes, 256_000);
  expect(doubted.map(({ memoryMiB }) => memoryMiB)).toEqual([null, null]);
  expect(zonesOf(doubted, [], capacity, reserved)).toBeNull();
});

test("zones are not known where the NUMA nodes are the host's and the capacity is a container's", () => {
  expect(zonesOf([node(0, 48, 64_000)], [], capacity, reserved)).toBeNull();
  expect(zonesOf([node(0, 24, 999_999)], [], capacity, reserved)).toBeNull();
  expect(zonesOf([], [], capacity, reserved)).toBeNull();
});
