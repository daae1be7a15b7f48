import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AllocationFolder } from "../src/shell/allocation-folder.ts";
import { replaceFileDurably } from "../src/shell/durable-file.ts";
import { SHIM_PATH } from "../src/shell/spawn-shim.ts";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { TestHost } from "./support/test-host.ts";
import { until } from "./support/until.ts";

let host: TestHost;
beforeEach(() => {
  host = new TestHost();
});
afterEach(async () => {
  await host.dispose();
});

/** What an agent leaves that is killed right before it starts the shim. */
async function prepare(allocation = desiredAllocation()): Promise<AllocationFolder> {
  const folder = new AllocationFolder(
    path.join(host.state.allocationsPath, allocation.allocationId),
  );
  folder.create();
  const { bootId } = host.table;
  await folder.writeRecord({ v: 1, clusterId: host.clusterId, bootId, allocation });
  return folder;
}

/** A shim that an agent had started before it was killed, and that was slow to get going. */
function lateShim(folder: AllocationFolder, command: readonly string[]): ChildProcess {
  const env = { PATH: "/usr/bin:/bin", BERTH_ALLOC_ID: "a1", BERTH_CLUSTER_ID: host.clusterId };
  return spawn("/bin/sh", [SHIM_PATH, folder.runPath, ...command], {
    env,
    detached: true,
    stdio: "ignore",
  });
}

const ended = (child: ChildProcess) => new Promise((resolve) => child.once("exit", resolve));

describe("an agent that comes back (invariant 6)", () => {
  test("finds a running task by pid and start time and leaves it alone", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    const before = host.task("a1").report();
    host.restart();
    expect(host.task("a1").phase).toBe("running");
    expect(host.task("a1").report()).toEqual(before);
    host.desire(desiredAllocation());
    await new Promise((resolve) => setImmediate(resolve));
    expect(await host.running()).toBe(pid);
    host.desire();
    expect(await host.finished()).toMatchObject({ outcome: "stopped" });
    expect(host.leftPids()).toEqual([]);
  });

  test("stops nothing while it does not know what is desired", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    host.restart();
    host.supervisor.setDesired(null);
    host.supervisor.lookAtAll();
    expect(await host.running()).toBe(pid);
  });

  test("learns how a task ended while it was away", async () => {
    const gate = path.join(host.folder, "gate");
    const command = ["sh", "-c", `while [ ! -e ${gate} ]; do sleep 0.02; done; exit 42`];
    host.desire(desiredAllocation({ command }));
    await host.running();
    const { runPath } = host.task("a1").folder;
    host.release();
    writeFileSync(gate, "");
    await until("the shim records it", () =>
      readFileSync(path.join(runPath, "exit"), "utf8").startsWith("42"),
    );
    host.reports = [];
    host.restartReleased();
    expect(await host.finished()).toMatchObject({
      outcome: "failed",
      exit: { kind: "code", code: 42 },
    });
  });

  test("finds nothing recorded of an end that its stopped predecessor could still see", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    const predecessors = host.task("a1");
    host.release();
    process.kill(pid, "SIGKILL");
    await until("its shim ends", () => host.leftPids().length === 0);
    predecessors.look();
    expect(predecessors.folder.readFinal()).toBeNull();
    host.restartReleased();
    expect(await host.finished()).toMatchObject({ exit: { kind: "signal", signal: "SIGKILL" } });
  });

  test("sees the end of an adopted task at once, without being its parent", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    host.restart();
    const killedAtMs = performance.now();
    process.kill(pid, "SIGKILL");
    expect(await host.finished()).toMatchObject({ exit: { kind: "signal", signal: "SIGKILL" } });
    expect(performance.now() - killedAtMs).toBeLessThan(300);
  });

  test("ends what a task left behind that ended while it was away", async () => {
    const command = ["sh", "-c", "setsid sleep 305 & exit 0"];
    host.desire(desiredAllocation({ command }));
    await host.running().catch(() => null);
    const { runPath } = host.task("a1").folder;
    host.release();
    await until("the shim records it", () =>
      readFileSync(path.join(runPath, "exit"), "utf8").startsWith("0"),
    );
    host.restartReleased();
    expect(await host.finished()).toMatchObject({ outcome: "complete" });
    expect(host.leftPids()).toEqual([]);
  });

  test("goes on with a stop that it was killed in the middle of", async () => {
    const command = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.02; done"];
    host.desire(desiredAllocation({ command, graceMs: 200 }));
    await host.outputHas("up");
    host.desire();
    host.restart(); // and learns nothing of what is desired
    expect(await host.finished()).toMatchObject({
      outcome: "stopped",
      exit: { kind: "signal", signal: "SIGKILL" },
    });
  });

  test("repeats a final report until it is acknowledged, and not after", async () => {
    host.desire(desiredAllocation({ command: ["true"] }));
    const report = await host.finished();
    host.restart();
    expect(await host.finished()).toEqual(report);
    host.supervisor.acknowledge(report);
    host.restart();
    expect(host.reports).toEqual([]);
    expect(host.supervisor.reports()).toEqual([]);
  });

  test("does not start a finished allocation again, however often it is desired", async () => {
    host.desire(desiredAllocation({ command: ["sh", "-c", "echo start"] }));
    await host.finished();
    host.restart();
    host.desire(desiredAllocation({ command: ["sh", "-c", "echo start"] }));
    await new Promise((resolve) => setImmediate(resolve));
    expect(host.task("a1").phase).toBe("finished");
    expect(host.output()).toBe("start\n");
  });
});

describe("an agent that was killed before the start", () => {
  test("starts the task when it is still desired", async () => {
    await prepare();
    host.restart();
    expect(host.task("a1").phase).toBe("prepared");
    host.desire(desiredAllocation());
    await host.running();
  });

  test("starts it once although a shim is still on its way", async () => {
    const command = ["sh", "-c", "echo start; exec sleep 300"];
    const folder = await prepare(desiredAllocation({ command }));
    host.restart();
    host.desire(desiredAllocation({ command }));
    const late = lateShim(folder, [
      "sh",
      "-c",
      `echo start >>${folder.logsPath}/stdout.log; exec sleep 300`,
    ]);
    await host.running();
    await host.outputHas("start");
    await until("one of the shims has ended", () => host.leftPids().length === 2);
    expect(host.output()).toBe("start\n");
    late.unref();
  });

  test("does not start it when it is not desired any more, nor does a late shim", async () => {
    const folder = await prepare();
    host.restart();
    host.desire();
    expect(await host.finished()).toMatchObject({ outcome: "stopped", startedAtUnixMs: null });
    const marker = path.join(host.folder, "ran");
    await ended(lateShim(folder, ["touch", marker]));
    expect(existsSync(marker)).toBe(false);
  });

  test("adopts what a late shim has started", async () => {
    const folder = await prepare();
    const shim = lateShim(folder, ["sleep", "306"]);
    await until("it runs", () => folder.readRun().child !== null);
    host.restart();
    expect(host.task("a1").phase).toBe("running");
    shim.unref();
  });
});

describe("what is not as it should be", () => {
  test("after a reboot a task is lost, and one that had ended is not", async () => {
    for (const [id, exit] of [
      ["a1", "pending\n"],
      ["a2", "3      \n"],
    ] as const) {
      const folder = await prepare(desiredAllocation({ id }));
      const record = {
        v: 1,
        clusterId: host.clusterId,
        bootId: "an earlier one",
        allocation: desiredAllocation({ id }),
      };
      await replaceFileDurably(path.join(folder.path, "spec.json"), JSON.stringify(record));
      // The pid of this very process: after a reboot it means nothing.
      const identity = `${process.pid} ${host.table.find(process.pid)?.startTicks}\n`;
      writeFileSync(path.join(folder.runPath, "claim"), identity);
      writeFileSync(path.join(folder.runPath, "child"), identity);
      writeFileSync(path.join(folder.runPath, "exit"), exit);
    }
    host.restart();
    expect(await host.finished("a1")).toMatchObject({ outcome: "lost", exit: { kind: "unknown" } });
    expect(await host.finished("a2")).toMatchObject({
      outcome: "failed",
      exit: { kind: "code", code: 3 },
    });
  });

  test("a pid that has gone to a stranger is neither adopted nor killed", async () => {
    const stranger = spawn("sleep", ["307"], { stdio: "ignore", detached: true });
    const folder = await prepare();
    const reused = `${stranger.pid} 1\n`;
    writeFileSync(path.join(folder.runPath, "claim"), reused);
    writeFileSync(path.join(folder.runPath, "child"), reused);
    host.restart();
    expect(await host.finished()).toMatchObject({ exit: { kind: "unknown" } });
    expect(host.table.find(stranger.pid ?? 0)).not.toBeNull();
    stranger.kill("SIGKILL");
    await ended(stranger);
  });

  test("a task whose shim was killed runs on, and its end is seen", async () => {
    host.desire(desiredAllocation());
    const pid = await host.running();
    process.kill(host.task("a1").processes.shim?.pid ?? 0, "SIGKILL");
    host.restart();
    expect(await host.running()).toBe(pid);
    process.kill(pid, "SIGTERM");
    expect(await host.finished()).toMatchObject({ outcome: "failed", exit: { kind: "unknown" } });
  });

  test("a task whose shim was killed can still be stopped, daemons included", async () => {
    host.desire(desiredAllocation({ command: ["sh", "-c", "setsid sleep 308 & exec sleep 309"] }));
    await host.running();
    await until("the daemon is there", () => host.leftPids().length === 3);
    process.kill(host.task("a1").processes.shim?.pid ?? 0, "SIGKILL");
    host.desire();
    expect(await host.finished()).toMatchObject({ outcome: "stopped" });
    expect(host.leftPids()).toEqual([]);
  });

  test("a claim that was never completed is given up, and nothing has run", async () => {
    const folder = await prepare();
    writeFileSync(path.join(folder.runPath, "claim"), "");
    host.restart();
    expect(await host.finished()).toMatchObject({ exit: { kind: "prestart" } });
  });

  test("a corrupt record is put aside, its task killed and reported as lost", async () => {
    host.desire(desiredAllocation());
    await host.running();
    const { path: folder } = host.task("a1").folder;
    host.release();
    writeFileSync(path.join(folder, "spec.json"), '{"v":1,');
    host.reports = [];
    host.restartReleased();
    expect(host.supervisor.reports()).toMatchObject([
      { state: "finished", allocationId: "a1", outcome: "lost", exit: { kind: "unknown" } },
    ]);
    await until("the task is gone", () => host.leftPids().length === 0);
    expect(readdirSync(host.state.allocationsPath)).toEqual([
      expect.stringMatching(/^a1\.\d+\.corrupt$/),
    ]);
  });

  test("a folder whose making was interrupted is as if it had never been", async () => {
    mkdirSync(path.join(host.state.allocationsPath, "a1"));
    host.restart();
    expect(host.supervisor.tasks.size).toBe(0);
    host.desire(desiredAllocation());
    await host.running();
  });

  test("a state folder serves one agent at a time", async () => {
    const { StateFolder } = await import("../src/shell/state-folder.ts");
    expect(() => StateFolder.open(host.folder, host.table)).toThrow(/is using the state folder/);
    host.release();
    writeFileSync(path.join(host.folder, "agent.lock"), `999999 1 ${host.table.bootId}\n`);
    host.restartReleased(); // the lock of the dead is no obstacle
    expect(readFileSync(path.join(host.folder, "agent.lock"), "utf8")).toMatch(`${process.pid} `);
  });
});
