import { AgentHello, type Gpu, limits, NodeDescription, utf8Length } from "@berth/protocol";
import { expect, test } from "vitest";
import { boundDescription } from "./bound-description.ts";

const many = <Item>(count: number, make: (at: number) => Item) =>
  Array.from({ length: count }, (_, at) => make(at));

function describe(hardware: Partial<NodeDescription["hardware"]> = {}): NodeDescription {
  const amounts = { cpuMillis: 1, memoryMiB: 1, diskMiB: 1, networkMbps: null };
  return NodeDescription.parse({
    nodeId: `U${"A".repeat(55)}`,
    name: "n",
    bootId: "b",
    agentVersion: "1",
    labels: {},
    meta: {},
    capacity: amounts,
    reserved: amounts,
    portRange: { from: 1, to: 2 },
    drivers: [],
    hardware: {
      cpu: { model: null, architecture: "x", sockets: 1, cores: 1, threads: 1, maxMHz: null },
      memoryMiB: 1,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus: [],
      kernel: "1",
      operatingSystem: "x",
      hostName: "n",
      vendor: null,
      product: null,
      ...hardware,
    },
  });
}

const fileSystem = (at: number) => ({
  mount: `/${"é".repeat(4_000)}${at}`,
  type: "ext4",
  device: `/dev/loop${at}`,
  sizeMiB: 1,
  availableMiB: 1,
});
const disk = (at: number) => ({
  id: `ata-${"x".repeat(90)}-${at}`,
  device: `/dev/sd${at}`,
  mediaClass: "hdd" as const,
  sizeMiB: 1,
  model: "y".repeat(40),
});
const link = (at: number) => ({
  name: `eth${at}`,
  mac: null,
  addresses: many(64, (n) => `fd00::${n}`),
  speedMbps: null,
  up: true,
});
const gpu = (at: number): Gpu => ({
  uuid: `GPU-${"0".repeat(32)}${at}`,
  model: "NVIDIA H100 80GB HBM3",
  memoryMiB: 1,
  driverVersion: "1",
  pciAddress: "0",
  links: many(64, () => "NV18"),
});

test("a description of an ordinary server is left as it is", () => {
  const whole = describe({ disks: many(12, disk), gpus: many(8, gpu) });
  expect(boundDescription(whole)).toEqual(whole);
});

test("whatever the machine has, the description fits, tells what is missing and keeps what is granted", () => {
  const huge = describe({
    fileSystems: many(500, fileSystem),
    disks: many(400, disk),
    networkInterfaces: many(300, link),
    gpus: many(64, gpu),
  });
  const bounded = boundDescription(huge);
  expect(utf8Length(JSON.stringify(bounded))).toBeLessThanOrEqual(limits.nodeDescriptionBytesMax);
  const { gpus, disks, omitted } = bounded.hardware;
  expect(gpus.map(({ uuid }) => uuid)).toEqual(huge.hardware.gpus.map(({ uuid }) => uuid));
  expect(disks.length + (omitted?.["disks"] ?? 0)).toBe(400);
  expect(boundDescription(bounded)).toEqual(bounded);
});

test("a leader refuses a larger one before it could stop the log", () => {
  const envelope = { v: 1, clusterId: null, applied: null, allocations: [] };
  const hello = (description: NodeDescription) =>
    AgentHello.safeParse({ ...envelope, nodeId: description.nodeId, description }).success;
  expect(hello(describe({ disks: many(400, disk) }))).toBe(false);
  expect(hello(boundDescription(describe({ disks: many(400, disk) })))).toBe(true);
});
