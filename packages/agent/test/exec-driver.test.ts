import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { nodeClock } from "@berth/runtime/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatProcessors } from "../src/core/cgroup/processors.ts";
import { boundsOf } from "../src/core/cgroup/settings.ts";
import { HostCgroups } from "../src/shell/exec/host-cgroups.ts";
import { readCores } from "../src/shell/exec/host-devices.ts";
import { UsageMeter } from "../src/shell/usage-meter.ts";
import { type AllocationShape, desiredAllocation } from "./support/desired-allocation.ts";
import { groupFile, groupFolders, skipped, whyNot } from "./support/exec-host.ts";
import { TestHost } from "./support/test-host.ts";
import { until } from "./support/until.ts";

const exec = (shape: AllocationShape) => desiredAllocation({ driver: "exec", ...shape });
const shell = (script: string, shape: AllocationShape = {}) =>
  exec({ command: ["sh", "-c", script], ...shape });
/** Wants 100 MiB of memory: `tail` looks for the end of a line. */
const GREEDY = "head -c 100m /dev/zero | tail";
const BURN = "while :; do :; done";

let host: TestHost;
beforeEach(() => {
  host = new TestHost({ exec: {} });
});
afterEach(async () => {
  const ids = [...host.supervisor.tasks.keys()];
  host.desire();
  await until("all tasks have ended", () => ids.every((id) => host.task(id).phase === "finished"));
  expect(ids.flatMap((id) => groupFolders(host, id))).toEqual([]);
  await host.dispose();
});

describe.skipIf(whyNot() !== null)(`a task of the driver exec${skipped()}`, () => {
  test("runs and ends like any other, and its control group goes with it", async () => {
    host.desire(shell("echo hello; cat /proc/self/cgroup >&2; exit 7"));
    expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 7 } });
    expect(host.output()).toBe("hello\n");
    const name = path.basename(host.task("a1").processes.group?.cgroup.folders[0] ?? "");
    expect(name).toMatch(new RegExp(`\\.${host.clusterId}\\.a1$`));
    expect(host.output("a1", "stderr")).toContain(`/berth/${name}`);
    expect(groupFolders(host, "a1")).toEqual([]);
  });

  test("that wants more memory than it was granted is killed, and that is its reason", async () => {
    const neighbour = exec({ id: "a2" });
    host.desire(neighbour);
    const pid = await host.running("a2");
    host.desire(neighbour, shell(GREEDY, { granted: { memoryMiB: 32 } }));
    const exit = { kind: "oom", limitMiB: 32 };
    expect(await host.finished()).toMatchObject({ outcome: "failed", exit });
    expect(host.task("a2").report()).toMatchObject({ state: "running", pid });
  });

  test("that fails because a part of it was killed for memory has the same reason", async () => {
    host.desire(shell(`${GREEDY} || exit 9`, { granted: { memoryMiB: 32 } }));
    expect(await host.finished()).toMatchObject({ exit: { kind: "oom", limitMiB: 32 } });
  });

  test("may use as much memory as its limit says beyond what it was granted", async () => {
    host.desire(
      shell(`${GREEDY} | wc -c`, { granted: { memoryMiB: 32 }, limits: { memoryMiB: 512 } }),
    );
    expect(await host.finished()).toMatchObject({ outcome: "complete" });
    expect(host.output().trim()).toBe(String(100 * 1024 * 1024));
  });

  test("with a limit on processors is throttled", async () => {
    host.desire(shell(BURN, { limits: { cpuMillis: 100 } }));
    await host.running();
    const { group } = host.task("a1").processes;
    const counters = () => group?.cgroup.counters(performance.now());
    const start = counters();
    await until("it was throttled", () => (counters()?.throttledMs ?? 0) > 300);
    const end = counters();
    const usedMs = (end?.cpuMs ?? 0) - (start?.cpuMs ?? 0);
    const elapsedMs = (end?.atMs ?? 0) - (start?.atMs ?? 0);
    expect(usedMs / elapsedMs).toBeLessThan(0.2);
  });

  test("gets busy processors by what it was granted, not by how much it runs", async () => {
    const pinned = (id: string, cpuMillis: number, script: string) =>
      exec({ id, command: ["taskset", "-c", "0", "sh", "-c", script], granted: { cpuMillis } });
    const crowd = `for i in 1 2 3 4 5 6 7; do (${BURN}) & done; ${BURN}`;
    host.desire(pinned("a1", 800, BURN), pinned("a2", 200, crowd));
    await host.running("a1");
    await host.running("a2");
    await until("the crowd is there", () => host.task("a2").processes.find().length >= 8);
    const usedMs = (id: string) =>
      host.task(id).processes.group?.cgroup.counters(0).cpuMs ?? Number.NaN;
    const before = [usedMs("a1"), usedMs("a2")] as const;
    await until("both have run", () => usedMs("a1") + usedMs("a2") - before[0] - before[1] > 1_000);
    const ratio = (usedMs("a1") - before[0]) / (usedMs("a2") - before[1]);
    expect(ratio).toBeGreaterThan(2); // 4 by the grant; 1/8 by the number of processes
  });

  test("cannot fork beyond its limit", async () => {
    const script = "for i in 1 2 3 4 5 6 7 8 9; do sleep 300 & done; wait";
    host.desire(shell(script, { limits: { pids: 5 } }));
    await until("a fork is refused", () => /fork/.test(host.output("a1", "stderr")));
    expect(groupFile(host, "a1", "pids.max")).toBe("5");
    expect(groupFile(host, "a1", "pids.events")).not.toBe("max 0");
  });

  test("has a default limit of processes", async () => {
    host.desire(exec({}));
    await host.running();
    expect(groupFile(host, "a1", "pids.max")).toBe("4096");
  });

  test("is told to stop, and all of it is: also what left its session and its environment", async () => {
    const stray = "(setsid env -i sh -c 'trap \"\" TERM; echo $$ > stray; exec sleep 300' &)";
    host.desire(shell(`${stray}; exec sleep 300`, { graceMs: 200 }));
    await host.running();
    await until("the stray is there", () => host.task("a1").processes.find().length === 2);
    host.desire();
    expect(await host.finished()).toMatchObject({ outcome: "stopped" });
    expect(groupFolders(host, "a1")).toEqual([]);
  });

  test("cannot be survived by what put itself into other groups", async () => {
    const files =
      "/sys/fs/cgroup/*/tasks /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/unified/*.procs";
    const escape = `for file in ${files}; do echo 0 >$file; done 2>/dev/null`;
    host.desire(shell(`(${escape}; exec setsid sleep 300) & sleep 0.2; echo $!; exit 3`));
    expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 3 } });
    expect(host.table.find(Number(host.output()))).toBeNull();
  });

  test("takes what it left behind with it, however fast that forks", async () => {
    const bomb = "(setsid env -i sh -c 'while :; do sleep 300 & done' 2>/dev/null &)";
    host.desire(shell(`${bomb}; sleep 0.2; exit 3`, { limits: { pids: 64 } }));
    expect(await host.finished()).toMatchObject({ exit: { kind: "code", code: 3 } });
    expect(groupFolders(host, "a1")).toEqual([]);
  });

  test("that cannot be found fails with the reason and leaves no group", async () => {
    host.desire(exec({ command: ["no-such-program"] }));
    expect(await host.finished()).toMatchObject({
      exit: { kind: "prestart", message: expect.stringContaining("no-such-program") },
    });
  });
});

describe.skipIf(whyNot("cpuset") !== null || readCores().flat().length < 2)(
  `exclusive processors${skipped("cpuset")}`,
  () => {
    const allowed = "grep Cpus_allowed_list /proc/self/status; exec sleep 300";
    const list = (id: string) => /:\s+(\S+)/.exec(host.output(id))?.[1];

    test("are one task's alone, and everybody's again when it has ended", async () => {
      const all = readCores().flat();
      host.desire(exec({ id: "a1" }));
      await host.running("a1");
      expect(groupFile(host, "a1", "cpuset.cpus")).toBe(formatProcessors(all));
      const granted = { cpuMillis: 1_000, exclusiveCores: true as const };
      host.desire(exec({ id: "a1" }), shell(allowed, { id: "a2", granted }));
      await host.outputHas("Cpus", "a2");
      const last = Math.max(...all);
      expect(list("a2")).toBe(String(last));
      const others = formatProcessors(all.filter((each) => each !== last));
      expect(groupFile(host, "a1", "cpuset.cpus")).toBe(others);
      host.restart();
      host.desire(exec({ id: "a1" }), shell(allowed, { id: "a3" }));
      await host.outputHas("Cpus", "a3");
      await host.finished("a2");
      expect(groupFile(host, "a1", "cpuset.cpus")).toBe(formatProcessors(all));
      expect(groupFile(host, "a3", "cpuset.cpus")).toBe(formatProcessors(all));
    });
  },
);

test.skipIf(whyNot("io") !== null)(
  `writing to a disk is as slow as its limit${skipped("io")}`,
  async () => {
    const script = "dd if=/dev/zero of=data bs=1M count=4 oflag=direct 2>&1";
    host.desire(shell(script, { limits: { diskWriteMiB: 2 } }));
    const report = await host.finished();
    expect(report).toMatchObject({ outcome: "complete" });
    expect(report.finishedAtUnixMs - (report.startedAtUnixMs ?? 0)).toBeGreaterThan(1_000);
  },
);

test.skipIf(whyNot("devices") !== null)(
  `GPUs that were not granted cannot be opened${skipped("devices")}`,
  async () => {
    const { folder, gpuFolder } = fakeGpus([200, 201]);
    await host.dispose();
    host = new TestHost({ exec: { gpuFolder } });
    const open = `for i in 200 201; do cat ${folder}/nvidia$i; done 2>&1; echo $CUDA_VISIBLE_DEVICES`;
    host.desire(shell(open, { gpuUuids: ["GPU-201"] }));
    await host.finished();
    // There is no such hardware here: who may open the file is told that, and who may not is not.
    expect(host.output()).toMatch(/nvidia200: Operation not permitted/);
    expect(host.output()).toMatch(/nvidia201: No such device/);
    expect(host.output()).toMatch(/^GPU-201$/m);
    rmSync(folder, { recursive: true });
  },
);

describe.skipIf(whyNot() !== null)(`an agent that was killed${skipped()}`, () => {
  test("finds its tasks in their groups", async () => {
    host.desire(shell("sleep 300 & exec sleep 300"));
    const pid = await host.running();
    host.restart();
    expect(host.task("a1").report()).toMatchObject({ state: "running", pid });
    await until("both are seen", () => host.task("a1").processes.find().length === 2);
  });

  test("learns what the group has seen meanwhile", async () => {
    host.desire(shell(`until [ -e go ]; do sleep 0.05; done; ${GREEDY}`));
    await host.running();
    const { folder } = host.task("a1");
    host.release();
    writeFileSync(path.join(folder.taskPath, "go"), "");
    await until("it has ended", () => folder.readRun().exit !== null);
    host.restartReleased();
    expect(await host.finished()).toMatchObject({ exit: { kind: "oom", limitMiB: 64 } });
  });

  test("still knows the reason when the group is gone and nothing was reported yet", async () => {
    host.desire(shell(GREEDY));
    await host.finished();
    rmSync(path.join(host.task("a1").folder.path, "final.json"));
    host.restart();
    expect(await host.finished()).toMatchObject({ exit: { kind: "oom", limitMiB: 64 } });
  });

  test("ends what is in a group whose record is gone, and nothing else", async () => {
    host.desire(exec({ id: "a1" }), exec({ id: "a2" }));
    const lost = await host.running("a1");
    const kept = await host.running("a2");
    const { folder, processes } = host.task("a1");
    host.release();
    rmSync(folder.path, { recursive: true });
    host.restartReleased();
    await until("the lost one is gone", () => host.table.find(lost) === null);
    await until("and its group", () => processes.group?.cgroup.remove() === true);
    expect(host.table.find(kept)).not.toBeNull();
    host.desire(exec({ id: "a2" }));
  });

  test("before it made the group leaves none behind", async () => {
    const name = host.exec?.nameOf(host.clusterId, exec({}).allocationId) ?? "";
    const cgroups = HostCgroups.find();
    cgroups.create(name, boundsOf(exec({}).granted, {}, { disks: [], deniedDevices: [] }));
    expect(cgroups.names()).toContain(name);
    host.restart();
    expect(cgroups.names()).not.toContain(name);
  });
});

describe.skipIf(whyNot() !== null)(`usage${skipped()}`, () => {
  test("of a task is what its control group counts, ended children included", async () => {
    const { table, folder: stateFolder } = host;
    const options = { table, clock: nodeClock, stateFolder, interfaces: () => [] };
    const meter = new UsageMeter(options);
    const children = "for i in 1 2 3 4 5 6 7 8 9; do timeout 0.1 sh -c 'while :; do :; done'; done";
    host.desire(
      shell(`${children}; echo ended; exec sleep 300`, { limits: { cpuMillis: 300 } }),
      desiredAllocation({ id: "a2" }),
    );
    await host.running("a2");
    await host.running("a1");
    const measure = async () =>
      (await meter.measure([...host.supervisor.tasks.values()])).allocations;
    expect(await measure()).toHaveLength(2);
    await host.outputHas("ended");
    const own = (await measure()).find(({ allocationId }) => allocationId === "a1");
    expect(own?.cpuMillis).toBeGreaterThan(100);
    expect(own?.throttledMillis).toBeGreaterThan(0);
    expect(own).toMatchObject({ processes: 1, diskReadMiBps: expect.any(Number) });
    expect(own?.memoryMiB).toBeLessThan(32);
  });
});

const freezers = HostCgroups.find().hierarchies.filter(({ version }) => version === 1);
test.skipIf(!freezers.some(({ isFreezer }) => isFreezer))(
  "without version 2 all of a task is frozen and killed at once",
  async () => {
    await host.dispose();
    host = new TestHost({ exec: { host: new HostCgroups(freezers) } });
    const forks = "setsid env -i sh -c 'trap \"\" TERM; while :; do sleep 300 & done' 2>/dev/null";
    host.desire(shell(forks, { limits: { pids: 32 }, graceMs: 50 }));
    await host.running();
    await until("it has forked", () => host.task("a1").processes.find().length > 20);
    host.desire();
    await host.finished();
    expect(groupFolders(host, "a1")).toEqual([]);
  },
);

describe("a host where no control groups can be made", () => {
  const mountinfo = "31 30 0:28 / /sys/kernel rw - cgroup cgroup rw,cpu,memory,pids";

  beforeEach(async () => {
    await host.dispose();
    host = new TestHost({ exec: { host: HostCgroups.find(mountinfo) } });
  });

  test("says that the driver is unavailable, and why", () => {
    expect(host.exec?.status).toMatchObject({
      name: "exec",
      available: false,
      reason: expect.stringMatching(/may not make control groups in \/sys\/kernel \(E/),
    });
  });

  test("fails a task of the driver with the reason and what to do, and runs others", async () => {
    host.desire(exec({ id: "a1" }), desiredAllocation({ id: "a2", command: ["true"] }));
    expect(await host.finished("a1")).toMatchObject({
      outcome: "failed",
      exit: { kind: "prestart", message: expect.stringMatching(/as root .* driver process/) },
    });
    expect(await host.finished("a2")).toMatchObject({ outcome: "complete" });
  });
});

/** The files of devices that are not there: NVIDIA's number, and minors that no machine has. */
function fakeGpus(minors: readonly number[]): { folder: string; gpuFolder: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "berth-gpus-"));
  const gpuFolder = path.join(folder, "proc");
  for (const minor of minors) {
    const gpu = path.join(gpuFolder, `0000:${minor}:00.0`);
    mkdirSync(gpu, { recursive: true });
    const text = `GPU UUID: \t GPU-${minor}\nDevice Minor: \t ${minor}\n`;
    writeFileSync(path.join(gpu, "information"), text);
    execFileSync("mknod", [path.join(folder, `nvidia${minor}`), "c", "195", `${minor}`]);
  }
  return { folder, gpuFolder };
}
