import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Gpu } from "@berth/protocol";
import { memoryLogger } from "@berth/runtime/memory";
import { nodeClock } from "@berth/runtime/node";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { askAmdSmi } from "../src/shell/discovery/amd-gpus.ts";
import { AskedGpus } from "../src/shell/discovery/asked-gpus.ts";
import { DiskHealth } from "../src/shell/discovery/disk-health.ts";
import { askXpuSmi } from "../src/shell/discovery/intel-gpus.ts";
import { NvidiaGpus } from "../src/shell/discovery/nvidia-gpus.ts";
import { fixture } from "./support/fixture.ts";
import { until } from "./support/until.ts";

/** There is no GPU here: programs stand in for the vendors' tools. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "berth-gpus-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
function program(script: string): string {
  made += 1;
  const file = path.join(folder, `tool-${made}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

function write(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

const running: NvidiaGpus[] = [];
afterEach(() => {
  for (const source of running.splice(0)) source.stop();
});

/**
 * An `nvidia-smi` whose devices are the lines of a file: it repeats them when it is told to loop, knows
 * no `gpu_recovery_action`, and counts its starts.
 */
function nvidia(name: string, lines: readonly string[], more: { kernelLog?: string } = {}) {
  const rows = write(`${name}/rows`, `${lines.join("\n")}\n`);
  const starts = path.join(folder, name, "starts");
  const tool = program(`
case "$1" in
  *gpu_recovery_action*) echo 'Field "gpu_recovery_action" is not a valid field to query.'; exit 2;;
  -L) cat ${folder}/${name}/list 2>/dev/null; exit 0;;
  -q|topo) exit 0;;
esac
case "$*" in
  *--loop-ms*) echo x >> ${starts}; while cat ${rows}; do sleep 0.02; done;;
  --id=*) exit 6;;
  *) cat ${rows};;
esac`);
  const source = new NvidiaGpus({
    clock: nodeClock,
    logger: memoryLogger(),
    program: tool,
    driverFolder: path.join(folder, name, "driver"),
    sys: folder,
    kernelLog: more.kernelLog ?? path.join(folder, "no-log"),
    intervalMs: 20,
  });
  running.push(source);
  return { source, rows, starts };
}

const REST = "Disabled, Enabled, 0, 0, 0, [N/A], 57, 21, 1234, 312.5, 44";
const row = (index: number, uuid: string, rest = REST) =>
  `${index}, ${uuid}, NVIDIA H100, 81559, 550.54.15, 00000000:${index + 3}B:00.0, ${rest}`;
const states = (gpus: readonly Gpu[]) => gpus.map(({ uuid, health }) => [uuid, health?.state]);

describe("NVIDIA devices", () => {
  test("are none, and nothing is started, without driver and tool", async () => {
    const source = new NvidiaGpus({
      clock: nodeClock,
      logger: memoryLogger(),
      program: path.join(folder, "no-such-tool"),
      driverFolder: path.join(folder, "no-driver"),
    });
    running.push(source);
    expect(await source.look()).toEqual([]);
    expect(source.use.size).toBe(0);
  });

  test("are listed, and followed by one program that is started once", async () => {
    const { source, starts } = nvidia("follow", [row(0, "GPU-a"), row(1, "GPU-b")]);
    expect(states(await source.look())).toEqual([
      ["GPU-a", "healthy"],
      ["GPU-b", "healthy"],
    ]);
    await until("a round", () => existsSync(starts) && source.use.size === 2);
    await source.look();
    expect(source.use.get("GPU-b")).toEqual({
      utilizationPercent: 57,
      memoryUtilizationPercent: 21,
      memoryUsedMiB: 1_234,
      powerWatts: 312.5,
      temperatureCelsius: 44,
    });
    expect(readFileSync(starts, "utf8")).toBe("x\n");
  });

  test("that fall off the bus are noticed at once, stay as unhealthy, and may come back", async () => {
    const { source, rows } = nvidia("lost", [row(0, "GPU-a"), row(1, "GPU-b")]);
    let news = 0;
    source.onChange(() => {
      news += 1;
    });
    await source.look();
    await until("the first round", () => news > 0);
    const after = async (lines: readonly string[]) => {
      const before = news;
      writeFileSync(rows, `${lines.join("\n")}\n`);
      await until("news", () => news > before);
      return states(await source.look());
    };
    const lost = "Unable to determine the device handle for GPU1: 0000:4B:00.0: GPU is lost.";
    expect(await after([row(0, "GPU-a"), lost])).toEqual([
      ["GPU-a", "healthy"],
      ["GPU-b", "unhealthy"],
    ]);
    expect(await after([row(0, "GPU-a"), row(1, "GPU-b")])).toEqual([
      ["GPU-a", "healthy"],
      ["GPU-b", "healthy"],
    ]);
    const failing = "Disabled, Enabled, 0, 0, 1, [N/A], 57, 21, 1234, 312.5, 44";
    expect(await after([row(0, "GPU-a", failing), row(1, "GPU-b")])).toEqual([
      ["GPU-a", "unhealthy"],
      ["GPU-b", "healthy"],
    ]);
  });

  test("are asked for anew when the program that is followed ends", async () => {
    const { source, rows } = nvidia("ended", [row(0, "GPU-a"), row(1, "GPU-b")]);
    let news = 0;
    source.onChange(() => {
      news += 1;
    });
    await source.look();
    await until("the first round", () => news > 0);
    rmSync(rows);
    await until("silence", () => news > 1);
    expect(states(await source.look())).toEqual([
      ["GPU-a", "unhealthy"],
      ["GPU-b", "unhealthy"],
    ]);
    writeFileSync(rows, `${row(0, "GPU-a")}\n${row(1, "GPU-b")}\n`);
    await until("another start", () => news > 2);
    expect(states(await source.look())).toEqual([
      ["GPU-a", "healthy"],
      ["GPU-b", "healthy"],
    ]);
  });

  test("that the driver has and the tool does not list are told", async () => {
    write("proc/driver/gpus/0000:00:1E.0/information", fixture("nvidia/a10g-information.txt"));
    const { source } = nvidia("proc", []);
    expect(await source.look()).toMatchObject([
      {
        uuid: "GPU-82523fd8-3897-f599-d088-ccd04ae45ec1",
        model: "NVIDIA A10G",
        pciAddress: "0000:00:1e.0",
        health: { state: "unhealthy" },
      },
    ]);
  });

  test("with a hardware error in the kernel's log are unhealthy until the driver is loaded again", async () => {
    const error = "4,1,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=0, GPU has fallen off the bus.\n";
    const kernelLog = write("xid/kmsg", error);
    const { source } = nvidia("xid", [row(0, "GPU-a")], { kernelLog });
    expect(await source.look()).toMatchObject([
      { health: { state: "unhealthy", reason: "Xid 79: it has fallen off the bus" } },
    ]);
    writeFileSync(kernelLog, "4,3,9,-;NVRM: loading NVIDIA UNIX x86_64 Kernel Module\n", {
      flag: "a",
    });
    expect(states(await source.look())).toEqual([["GPU-a", "healthy"]]);
  });

  test("come with their slices, their NUMA node and what the kernel says is near", async () => {
    write("bus/pci/devices/0000:3b:00.0/numa_node", "1\n");
    write(
      "mig/list",
      "GPU 0: NVIDIA H100 (UUID: GPU-a)\n  MIG 1g.10gb     Device  0: (UUID: MIG-1)\n",
    );
    const { source } = nvidia("mig", [row(0, "GPU-a", REST.replace("Disabled", "Enabled"))]);
    expect(await source.look()).toMatchObject([
      {
        numaNode: 1,
        isPartitioned: true,
        slices: [{ uuid: "MIG-1", profile: "1g.10gb", memoryMiB: null }],
      },
    ]);
  });
});

describe("devices of other vendors", () => {
  test("are those that amd-smi lists", async () => {
    const list = write("amd-list", fixture("amd/strix-halo-list.json"));
    const facts = write("amd-static", fixture("amd/strix-halo-static.json"));
    const tool = program(`case "$1 $2" in
"list --json") cat ${list};; "static --json") cat ${facts};; *) exit 1;; esac`);
    write("bus/pci/devices/0000:c4:00.0/numa_node", "0\n");
    expect(await askAmdSmi(tool, folder)).toMatchObject([
      { vendor: "amd", memoryMiB: 32_768, numaNode: 0 },
    ]);
    expect(await askAmdSmi(path.join(folder, "none"))).toEqual([]);
  });

  test("are those that xpu-smi discovers", async () => {
    const list = write("xpu-list", fixture("intel/max-1100-discovery.json"));
    const device = write("xpu-device", fixture("intel/max-1100-device-0.json"));
    const tool = program(`case "$*" in
"discovery -j") cat ${list};; "discovery -d 0 -j") cat ${device};; *) exit 1;; esac`);
    expect(await askXpuSmi(tool, folder)).toMatchObject([{ vendor: "intel", memoryMiB: 49_136 }]);
    expect(await askXpuSmi(path.join(folder, "none"))).toEqual([]);
  });

  test("are only asked for again when one comes or goes, and stay when they are lost", async () => {
    const one = (uuid: string): Gpu => ({
      uuid,
      model: "MI300X",
      memoryMiB: null,
      driverVersion: null,
      pciAddress: null,
    });
    let listed = [one("a"), one("b")];
    let asked = 0;
    let present = "2";
    const source = new AskedGpus({
      tool: "amd-smi",
      clock: nodeClock,
      ask: () => {
        asked += 1;
        return Promise.resolve(listed);
      },
      presence: () => present,
    });
    await source.look();
    listed = [one("b")];
    expect(states(await source.look())).toEqual([
      ["a", undefined],
      ["b", undefined],
    ]);
    expect(asked).toBe(1);
    present = "1";
    expect(states(await source.look())).toEqual([
      ["a", "unhealthy"],
      ["b", undefined],
    ]);
  });
});

describe("disks", () => {
  test("are asked by smartctl, else by nvme, once; who does not answer is of unknown health", async () => {
    const report = write("smart", fixture("smart/nvme-media-errors.json"));
    const asked = path.join(folder, "asked");
    const smartctl = program(`for last; do :; done; echo "$last" >> ${asked}
case "$last" in /dev/nvme0n1) cat ${report};; *) echo '{}'; exit 2;; esac`);
    const nvme = program(`[ "$2" = /dev/nvme1n1 ] && echo '{"critical_warning": 4}'`);
    const disks = new DiskHealth(nodeClock, { smartctl, nvme });
    let news = 0;
    disks.onChange(() => {
      news += 1;
    });
    const devices = ["/dev/nvme0n1", "/dev/nvme1n1", "/dev/sda"];
    expect(disks.of("/dev/nvme0n1")).toBeNull();
    await disks.refresh(devices);
    await disks.refresh(devices);
    expect(devices.map((device) => disks.of(device)?.state ?? null)).toEqual([
      "degraded",
      "unhealthy",
      null,
    ]);
    expect(readFileSync(asked, "utf8").trim().split("\n")).toEqual(devices);
    expect(news).toBe(1);
  });
});
