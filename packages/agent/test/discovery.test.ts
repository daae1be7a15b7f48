import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { Hardware } from "@berth/protocol";
import { memoryLogger } from "@berth/runtime/memory";
import { nodeClock } from "@berth/runtime/node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadOrCreateCredentials } from "../src/shell/credentials.ts";
import { HardwareDiscovery } from "../src/shell/discovery/discover-hardware.ts";
import { discoverGpus } from "../src/shell/discovery/gpus.ts";

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
