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
import { type Gpu, Hardware, NodeDescription, NodeId } from "@berth/protocol";
import { memoryLogger } from "@berth/runtime/memory";
import { nodeClock } from "@berth/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadOrCreateCredentials } from "../src/shell/credentials.ts";
import { describeNode } from "../src/shell/describe-node.ts";
import { HardwareDiscovery } from "../src/shell/discovery/discover-hardware.ts";
import { mediaClassOfFolder } from "../src/shell/discovery/folder-disk.ts";
import { discoverGpus, gpuPresence } from "../src/shell/discovery/gpus.ts";
import { discoverNumaNodes } from "../src/shell/discovery/numa-nodes.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "berth-discovery-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, script: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

test("a node says what its operator declares, and nothing that nobody said or found", async () => {
  const discovery = await HardwareDiscovery.start(nodeClock, memoryLogger());
  const found = { hardware: await discovery.look(), numaNodes: [] };
  const by = {
    options: { server: "", credentials: "", state: "" },
    nodeId: NodeId.parse(`U${"A".repeat(55)}`),
    bootId: "boot",
    diskMiB: 1_000,
    mediaClass: null,
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
    for (const disk of hardware.disks) {
      if (disk.device.startsWith("/dev/vd")) expect(disk.mediaClass).toBeNull();
    }
  });
});

describe("GPUs", () => {
  test("are none without the driver's tool", async () => {
    expect(await discoverGpus(path.join(folder, "no-such-tool"))).toEqual([]);
  });

  test("are listed although the tool ends with an error after the good ones", async () => {
    const tool = program(
      "nvidia-smi",
      '[ "$1" = "--query-gpu=uuid,name,memory.total,driver_version,pci.bus_id" ] || exit 9\n' +
        'echo "GPU-1, NVIDIA H200, 143771, 570.1, 00000000:01:00.0"\necho "Unknown Error"\nexit 15',
    );
    expect(await discoverGpus(tool)).toMatchObject([{ uuid: "GPU-1", memoryMiB: 143_771 }]);
  });

  test("come with the slices that they are partitioned into", async () => {
    const tool = program(
      "nvidia-smi-mig",
      'if [ "$1" = -L ]; then\n' +
        'echo "GPU 0: NVIDIA H100 (UUID: GPU-1)"\n' +
        'echo "  MIG 1g.10gb     Device  0: (UUID: MIG-1)"\n' +
        'else echo "GPU-1, NVIDIA H100, 81559, 550.1, 00000000:01:00.0"; fi',
    );
    expect(await discoverGpus(tool)).toMatchObject([
      { uuid: "GPU-1", slices: [{ uuid: "MIG-1", profile: "1g.10gb", memoryMiB: null }] },
    ]);
  });

  test("are asked for again when a slice comes or goes", () => {
    const driver = path.join(folder, "driver");
    const mig = path.join(driver, "capabilities", "gpu0", "mig");
    mkdirSync(path.join(driver, "gpus", "0000:01:00.0"), { recursive: true });
    mkdirSync(mig, { recursive: true });
    const before = gpuPresence(driver);
    expect(gpuPresence(driver)).toBe(before);
    mkdirSync(path.join(mig, "gi7"));
    expect(gpuPresence(driver)).not.toBe(before);
  });
});

describe("NUMA nodes", () => {
  test("have the processors, the memory and the GPUs that the kernel says are near", () => {
    const sys = kernel("numa", {
      "devices/system/node/node0/cpulist": "0-3,8-11\n",
      "devices/system/node/node0/meminfo": "Node 0 MemTotal:       65842340 kB\n",
      "devices/system/node/node1/cpulist": "4-7,12\n",
      "devices/system/node/node1/meminfo": "Node 1 MemTotal:       66048000 kB\n",
      "devices/system/node/has_cpu": "0-1\n",
      "bus/pci/devices/0000:4e:00.0/numa_node": "1\n",
      "bus/pci/devices/0000:07:00.0/numa_node": "0\n",
      "bus/pci/devices/0000:08:00.0/numa_node": "-1\n",
    });
    const gpu = (uuid: string, pciAddress: string | null, slices?: Gpu["slices"]): Gpu => ({
      uuid,
      model: "NVIDIA H100",
      memoryMiB: null,
      driverVersion: null,
      pciAddress,
      ...(slices === undefined ? {} : { slices }),
    });
    const gpus = [
      gpu("GPU-0", "00000000:07:00.0", [{ uuid: "MIG-0", profile: "1g.10gb", memoryMiB: null }]),
      gpu("GPU-1", "00000000:4E:00.0"),
      gpu("GPU-2", "00000000:08:00.0"),
      gpu("GPU-3", null),
    ];
    expect(discoverNumaNodes(gpus, sys)).toEqual([
      { id: 0, threads: 8, memoryMiB: 64_299, gpuUuids: ["MIG-0"] },
      { id: 1, threads: 5, memoryMiB: 64_500, gpuUuids: ["GPU-1"] },
    ]);
  });

  test("are none where the kernel does not tell", () => {
    expect(discoverNumaNodes([], path.join(folder, "nowhere"))).toEqual([]);
  });
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
