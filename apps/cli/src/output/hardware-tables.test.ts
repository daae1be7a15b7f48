import type { NodeDescription } from "@berth/protocol";
import { expect, test } from "vitest";
import { hardwareTables } from "./hardware-tables.ts";
import { hardwareTree } from "./hardware-tree.ts";
import { plainStream } from "./recorded-stream.ts";

type Hardware = NodeDescription["hardware"];

const lost = { state: "unhealthy", reason: "Xid 79: it has fallen off the bus" } as const;
const fine = { state: "healthy", reason: null } as const;

function gpu(uuid: string, more: Partial<Hardware["gpus"][number]> = {}) {
  return {
    uuid,
    model: "NVIDIA H100",
    memoryMiB: 81_920,
    driverVersion: "550.1",
    pciAddress: "0000:3b:00.0",
    ...more,
  };
}

function describe(more: Partial<Hardware>): NodeDescription {
  const amounts = { cpuMillis: 1, memoryMiB: 1, diskMiB: 1, networkMbps: null };
  return {
    nodeId: `U${"A".repeat(55)}` as NodeDescription["nodeId"],
    name: "n" as NodeDescription["name"],
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
      ...more,
    },
  };
}

const server = describe({
  gpus: [
    gpu("GPU-a", { numaNode: 0, links: [null, "NV18"], health: fine }),
    gpu("GPU-b", { numaNode: 1, links: ["NV18", null], health: lost }),
  ],
  numaNodes: [
    { id: 0, cpus: "0-3", threads: 4, memoryMiB: 65_536, distances: [10, 21] },
    { id: 1, cpus: "", threads: 0, memoryMiB: 1_024, distances: [21, 10] },
  ],
  disks: [{ id: "sda", device: "/dev/sda", mediaClass: "hdd", sizeMiB: 1_024, model: null }],
  networkInterfaces: [
    {
      name: "eth0",
      mac: null,
      addresses: [],
      speedMbps: 10_000,
      isSpeedDeclared: true,
      up: true,
      numaNode: 0,
    },
  ],
});

test("the tree has every device at its NUMA node, or near none", () => {
  expect(hardwareTree(server.hardware)).toEqual([
    "├─ NUMA 0: cpus 0-3, 64 GiB, distances 10 21",
    "│  ├─ GPU GPU-a  NVIDIA H100",
    "│  └─ network eth0  10Gbps",
    "├─ NUMA 1: no processors, 1 GiB, distances 21 10",
    "│  └─ GPU GPU-b  NVIDIA H100",
    "└─ near no NUMA node",
    "   └─ disk /dev/sda  1 GiB hdd",
  ]);
  expect(hardwareTree(describe({}).hardware)).toEqual([]);
});

test("the tables tell health with its reason, links both ways, and what nobody knows", () => {
  const tables = hardwareTables(plainStream(), server, false);
  expect(tables).toHaveLength(4);
  const [gpus = "", links, disks = "", interfaces = ""] = tables;
  expect(gpus).toContain("unhealthy: Xid 79: it has fallen off the bus");
  expect(gpus).not.toContain("NEAR RDMA");
  expect(links).toBe("LINKS  GPU 0  GPU 1\nGPU-a  -      NV18\nGPU-b  NV18   -\n");
  expect(disks).toMatch(/sda +\/dev\/sda +hdd +1 GiB +unknown +unknown\n$/);
  expect(interfaces).toContain("10Gbps (declared)");
});

test("capabilities that are missing say why", () => {
  const capabilities = [
    { name: "podman", available: false, reason: "podman is not installed", detail: null },
    { name: "cgroup.cpu", available: true, reason: null, detail: "cgroup v1" },
  ];
  expect(hardwareTables(plainStream(), { ...describe({}), capabilities }, false)).toEqual([
    "CAPABILITY  AVAILABLE\n" +
      "podman      no         podman is not installed\n" +
      "cgroup.cpu  yes        cgroup v1\n",
  ]);
});
