import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { Hardware, NodeDescription, NodeId } from "@berth/protocol";
import { memoryLogger } from "@berth/runtime/memory";
import { nodeClock } from "@berth/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadOrCreateCredentials } from "../src/shell/credentials.ts";
import { describeNode, PROCESS_DRIVER } from "../src/shell/describe-node.ts";
import { HardwareDiscovery } from "../src/shell/discovery/discover-hardware.ts";
import { mediaClassOfFolder } from "../src/shell/discovery/folder-disk.ts";
import { seenCaches } from "../src/shell/discovery/cpu.ts";
import { discoverDisks } from "../src/shell/discovery/disks.ts";
import { numaNodeOf } from "../src/shell/discovery/numa-node-of.ts";
import { discoverNumaNodes } from "../src/shell/discovery/numa-nodes.ts";
import { gpuPresence } from "../src/shell/discovery/nvidia-gpus.ts";
import { discoverRdmaPorts } from "../src/shell/discovery/rdma-ports.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "berth-discovery-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a node says what its operator declares, and nothing that nobody said or found", async () => {
  const discovery = await HardwareDiscovery.start(nodeClock, memoryLogger());
  const found = { hardware: { ...(await discovery.look()), numaNodes: [] }, diskHealth: null };
  const by = {
    options: { server: "", credentials: "", state: "" },
    nodeId: NodeId.parse(`U${"A".repeat(55)}`),
    bootId: "boot",
    diskMiB: 1_000,
    mediaClass: null,
    capabilities: [],
    drivers: [PROCESS_DRIVER],
  };
  const plain = NodeDescription.parse(describeNode(found, by));
  for (const field of ["pool", "taints", "devices", "zones", "storage"]) {
    expect(plain).not.toHaveProperty(field);
  }
  const taints = [{ key: "spare", reason: null }];
  const options = { ...by.options, pool: "batch", taints, devices: { fpga: 2 } };
  expect(describeNode(found, { ...by, options, mediaClass: "ssd" })).toMatchObject({
    pool: "batch",
    taints,
    devices: { fpga: 2 },
    storage: [{ mediaClass: "ssd", diskMiB: 1_000 }],
  });
  const diskHealth = { state: "unhealthy", reason: "its file system is read-only" } as const;
  expect(describeNode({ ...found, diskHealth }, by).storage).toEqual([
    { mediaClass: null, diskMiB: 1_000, health: diskHealth },
  ]);
});

test("an operator says what interfaces carry whose drivers do not", async () => {
  const discovery = await HardwareDiscovery.start(nodeClock, memoryLogger());
  const link = (name: string, speedMbps: number | null) => ({
    name,
    mac: null,
    addresses: [],
    speedMbps,
    up: true,
  });
  const networkInterfaces = [link("eth0", null), link("eth1", 25_000), link("eth2", null)];
  const hardware = { ...(await discovery.look()), networkInterfaces };
  const interfaceMbps = { eth0: 10_000, eth1: 1, eth9: 1 };
  const described = describeNode(
    { hardware, diskHealth: null },
    {
      options: { server: "", credentials: "", state: "", interfaceMbps },
      nodeId: NodeId.parse(`U${"A".repeat(55)}`),
      bootId: "boot",
      diskMiB: 1_000,
      mediaClass: null,
      capabilities: [],
      drivers: [PROCESS_DRIVER],
    },
  );
  expect(described.hardware.networkInterfaces).toMatchObject([
    { speedMbps: 10_000, isSpeedDeclared: true },
    { speedMbps: 25_000 },
    { speedMbps: null },
  ]);
  expect(described.capacity.networkMbps).toBe(35_000);
});

/** A folder with these files: as much of /sys as a test needs. */
function kernel(name: string, files: Readonly<Record<string, string>>): string {
  for (const [file, text] of Object.entries(files)) {
    const where = path.join(folder, name, file);
    mkdirSync(path.dirname(where), { recursive: true });
    writeFileSync(where, text);
  }
  return path.join(folder, name);
}

describe("the inventory of this machine", () => {
  test("is what its kernel says", async () => {
    const discovery = await HardwareDiscovery.start(nodeClock, memoryLogger());
    const hardware = Hardware.parse(await discovery.look());
    expect(hardware.cpu.threads).toBe(availableParallelism());
    expect(hardware.kernel).toBe(readFileSync("/proc/sys/kernel/osrelease", "utf8").trim());
    expect(hardware.networkInterfaces.map(({ name }) => name)).not.toContain("lo");
    expect(hardware.fileSystems.filter(({ type }) => /tmpfs|overlay|squashfs/.test(type))).toEqual(
      [],
    );
    expect(hardware.disks.filter(({ device }) => /loop|ram/.test(device))).toEqual([]);
    const { numaNodes = [] } = hardware;
    expect(numaNodes.reduce((sum, { threads }) => sum + threads, 0)).toBe(
      numaNodes.length === 0 ? 0 : availableParallelism(),
    );
    for (const { distances } of numaNodes) expect(distances).toHaveLength(numaNodes.length);
    for (const disk of hardware.disks) {
      if (disk.device.startsWith("/dev/vd")) expect(disk.mediaClass).toBeNull();
    }
  });
});

test("GPUs are asked for again when a slice comes or goes", () => {
  const driver = path.join(folder, "driver");
  const mig = path.join(driver, "capabilities", "gpu0", "mig");
  mkdirSync(path.join(driver, "gpus", "0000:01:00.0"), { recursive: true });
  mkdirSync(mig, { recursive: true });
  const before = gpuPresence(driver);
  expect(gpuPresence(driver)).toBe(before);
  mkdirSync(path.join(mig, "gi7"));
  expect(gpuPresence(driver)).not.toBe(before);
});

describe("NUMA nodes", () => {
  test("have the processors, the memory and the distances that the kernel says", () => {
    const sys = kernel("numa", {
      "devices/system/node/node0/cpulist": "0-3,8-11\n",
      "devices/system/node/node0/meminfo": "Node 0 MemTotal:       65842340 kB\n",
      "devices/system/node/node0/distance": "10 21\n",
      "devices/system/node/node1/cpulist": "4-7,12\n",
      "devices/system/node/node1/meminfo": "Node 1 MemTotal:       66048000 kB\n",
      "devices/system/node/node1/distance": "21 10\n",
      "devices/system/node/has_cpu": "0-1\n",
    });
    expect(discoverNumaNodes(sys)).toEqual([
      { id: 0, cpus: "0-3,8-11", threads: 8, memoryMiB: 64_299, distances: [10, 21] },
      { id: 1, cpus: "4-7,12", threads: 5, memoryMiB: 64_500, distances: [21, 10] },
    ]);
  });

  test("are known of PCI devices where the firmware says it", () => {
    const sys = kernel("pci", {
      "bus/pci/devices/0000:4e:00.0/numa_node": "1\n",
      "bus/pci/devices/0000:08:00.0/numa_node": "-1\n",
    });
    const of = (address: string | null) => numaNodeOf(address, sys);
    expect(["00000000:4E:00.0", "0000:08:00.0", "0000:99:00.0", null].map(of)).toEqual([
      1,
      null,
      null,
      null,
    ]);
  });

  test("are none where the kernel does not tell", () => {
    expect(discoverNumaNodes(path.join(folder, "nowhere"))).toEqual([]);
  });
});

test("caches are those that processors see", () => {
  const sys = kernel("caches", {
    "devices/system/cpu/cpu0/cache/index0/level": "1\n",
    "devices/system/cpu/cpu0/cache/index0/type": "Data\n",
    "devices/system/cpu/cpu0/cache/index0/size": "48K\n",
    "devices/system/cpu/cpu0/cache/index0/shared_cpu_list": "0,64\n",
    "devices/system/cpu/cpufreq/policy0/x": "1\n",
  });
  expect(seenCaches(sys)).toEqual([{ level: 1, type: "Data", size: "48K", sharedBy: "0,64" }]);
});

test("RDMA ports have the speed, the state and the interface of their adapter", () => {
  const port = "class/infiniband/mlx5_0/ports/1";
  const sys = kernel("rdma", {
    [`${port}/link_layer`]: "InfiniBand\n",
    [`${port}/rate`]: "400 Gb/sec (4X NDR)\n",
    [`${port}/state`]: "4: ACTIVE\n",
    "class/infiniband/mlx5_0/device/net/ib0/mtu": "2044\n",
    "class/infiniband/mlx5_0/device/numa_node": "1\n",
    "class/infiniband/mlx5_1/ports/1/state": "1: DOWN\n",
  });
  expect(discoverRdmaPorts(sys)).toEqual([
    {
      device: "mlx5_0",
      port: 1,
      linkLayer: "InfiniBand",
      speedMbps: 400_000,
      up: true,
      networkInterface: "ib0",
      numaNode: 1,
    },
    {
      device: "mlx5_1",
      port: 1,
      linkLayer: null,
      speedMbps: null,
      up: false,
      networkInterface: null,
      numaNode: null,
    },
  ]);
});

test("disks are named by what stays: their link, else WWN, serial number, device", () => {
  const sys = kernel("naming", {
    "block/nvme0n1/size": "2097152\n",
    "block/nvme0n1/wwid": "eui.00000000000000018ce38e05009b2c01\n",
    "block/nvme0n1/device/model": "KXG60ZNV512G TOSHIBA   \n",
    "block/nvme0n1/device/serial": "SERIAL-1\n",
    "block/nvme0n1/device/numa_node": "1\n",
    "block/sda/size": "4194304\n",
    "block/sda/queue/rotational": "1\n",
    "block/vda/size": "4194304\n",
    "block/vda/serial": "SERIAL-2\n",
    "block/vdb/size": "4194304\n",
    "block/dm-0/size": "4194304\n",
  });
  expect(discoverDisks(sys, path.join(folder, "no-links"))).toMatchObject([
    { id: "eui.00000000000000018ce38e05009b2c01", mediaClass: "nvme", numaNode: 1, sizeMiB: 1_024 },
    { id: "sda", mediaClass: "hdd", serial: null, wwn: null, numaNode: null },
    { id: "SERIAL-2", mediaClass: null },
    { id: "vdb", health: null },
  ]);
  const byId = path.join(folder, "by-id");
  mkdirSync(byId);
  for (const name of ["wwn-0x5000", "ata-DISK_1"]) symlinkSync("../sda", path.join(byId, name));
  writeFileSync(path.join(folder, "sda"), "");
  expect(discoverDisks(sys, byId)[1]?.id).toBe("ata-DISK_1");
});

describe("the disk of a folder", () => {
  const sys = () =>
    kernel("disks", {
      "class/block/nvme0n1/size": "1",
      "class/block/sda/size": "1",
      "block/sda/queue/rotational": "1",
      "class/block/sdb/size": "1",
      "block/sdb/queue/rotational": "0",
      "class/block/vda/size": "1",
      "block/vda/queue/rotational": "1",
      "class/block/dm-0/slaves/sdb/size": "1",
      "class/block/dm-1/slaves/sda/size": "1",
      "class/block/dm-1/slaves/sdb/size": "1",
      "class/block/md0/slaves/dm-0/size": "1",
      "fs/btrfs/uuid/devices/sda/size": "1",
      "fs/btrfs/uuid/devices/sdb/size": "1",
    });
  const classOn = (device: string) => {
    const mounts = path.join(folder, "mounts");
    writeFileSync(mounts, `/dev/vda / ext4 rw 0 0\n${device} ${folder} ext4 rw 0 0\n`);
    return mediaClassOfFolder(folder, { sys: sys(), mounts });
  };

  test("is known by what lies under its mount, through mapped and assembled devices", () => {
    expect(classOn("/dev/nvme0n1")).toBe("nvme");
    expect(classOn("/dev/md0")).toBe("ssd");
  });

  test("is of the disk that its partition is of", () => {
    const files = sys();
    mkdirSync(path.join(files, "devices", "nvme1n1", "nvme1n1p2"), { recursive: true });
    writeFileSync(path.join(files, "devices", "nvme1n1", "nvme1n1p2", "partition"), "2\n");
    for (const name of ["nvme1n1", "nvme1n1/nvme1n1p2"]) {
      const link = path.join(files, "class", "block", path.basename(name));
      rmSync(link, { force: true });
      symlinkSync(path.join(files, "devices", name), link);
    }
    expect(classOn("/dev/nvme1n1p2")).toBe("nvme");
  });

  test.each([
    ["a paravirtual disk", "/dev/vda"],
    ["disks of different kinds in one volume", "/dev/dm-1"],
    ["disks of different kinds in one btrfs", "/dev/sda"],
    ["a file system that is no disk's", "overlay"],
    ["a device that the kernel does not show", "/dev/sdz"],
  ])("is not known for %s", (_, device) => {
    expect(classOn(device)).toBeNull();
  });
});

describe("credentials", () => {
  test("are made once, for their owner only, and stay", async () => {
    const file = path.join(folder, "credentials", "node.nk");
    const made = await loadOrCreateCredentials(file);
    expect(made.nodeId).toMatch(/^U[A-Z2-7]{55}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await loadOrCreateCredentials(file)).toEqual(made);
  });

  test("are refused when others may read them", async () => {
    const file = path.join(folder, "open.nk");
    await loadOrCreateCredentials(file);
    chmodSync(file, 0o644);
    await expect(loadOrCreateCredentials(file)).rejects.toMatchObject({ code: "denied" });
  });
});
