import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type AllocationId, BerthError, type ClusterId, NodeDescription } from "@berth/protocol";
import { type MemoryBus, memoryLogger, memoryNetwork } from "@berth/runtime/memory";
import { nodeClock, nodeRandom } from "@berth/runtime/node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startAgent, stopAllTasks, type RunningAgent } from "../src/index.ts";
import { Leader } from "../src/shell/leader.ts";
import { markFor, ProcessTable } from "../src/shell/process-table.ts";
import { desiredAllocation } from "./support/desired-allocation.ts";
import { FakeLeader } from "./support/fake-leader.ts";
import { NODE_ID } from "./support/test-host.ts";
import { until } from "./support/until.ts";

const table = new ProcessTable();
let folder: string;
let clusterId: ClusterId;
let network: ReturnType<typeof memoryNetwork>;
let leader: FakeLeader;
let agentBus: MemoryBus;
let agent: RunningAgent | null;
const logger = memoryLogger();

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "berth-agent-"));
  clusterId = `c${nodeRandom.token(16)}` as ClusterId;
  network = memoryNetwork({ clock: nodeClock });
  leader = new FakeLeader(network.connect("leader"), NODE_ID, clusterId);
});
afterEach(async () => {
  stopAgent();
  await stopAllTasks(folder);
  expect(livingPids()).toEqual([]);
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  agentBus = network.connect("agent");
  const options = { server: "memory", credentials: "none", state: folder, labels: { rack: "r1" } };
  agent = await startAgent(options, NODE_ID, {
    bus: agentBus,
    clock: nodeClock,
    random: nodeRandom,
    logger,
  });
}
function stopAgent(): void {
  agent?.stop();
  agent = null;
  void agentBus.close();
}
function livingPids(id?: string): number[] {
  const { rows, markOf } = table.snapshot();
  const isMarked = (mark: string | null) =>
    id === undefined ? mark?.startsWith(`${clusterId}/`) : mark === markFor(clusterId, id);
  return rows.filter((row) => row.state !== "Z" && isMarked(markOf(row))).map(({ pid }) => pid);
}
const runs = (id: string) => until(`${id} runs`, () => leader.latest(id)?.state === "running");
const finishes = (id: string) =>
  until(`${id} finishes`, () => leader.latest(id)?.state === "finished");

describe("an agent", () => {
  test("introduces itself with what the machine really is", async () => {
    await start();
    await until("hello", () => leader.hellos.length === 1);
    const description = NodeDescription.parse(leader.hellos[0]?.description);
    const memoryKiB = Number(/MemTotal:\s+(\d+)/.exec(readFileSync("/proc/meminfo", "utf8"))?.[1]);
    expect(description.capacity.memoryMiB).toBe(Math.floor(memoryKiB / 1024));
    expect(description.bootId).toBe(table.bootId);
    expect(description.labels).toEqual({ rack: "r1" });
    expect(description.reserved.cpuMillis).toBeLessThan(description.capacity.cpuMillis);
    expect(leader.hellos[0]).toMatchObject({ clusterId: null, applied: null, allocations: [] });
  });

  test("runs what a delta adds and stops what it removes", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.change([desiredAllocation({ id: "a1" })], []);
    await runs("a1");
    leader.change([], ["a1"]);
    await finishes("a1");
    expect(leader.latest("a1")).toMatchObject({ outcome: "stopped" });
    expect(leader.pulls).toBe(1);
  });

  test("pulls every page of what is desired", async () => {
    leader.change(
      [1, 2, 3, 4, 10].map((n) => desiredAllocation({ id: `a${n}` })),
      [],
    );
    await start();
    for (const id of ["a1", "a2", "a3", "a4", "a10"]) await runs(id);
    expect(leader.pulls).toBe(3);
  });

  test("pulls the whole when it has missed a change", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.change([desiredAllocation({ id: "a1" })], [], { push: false });
    leader.change([desiredAllocation({ id: "a2" })], []);
    await runs("a1");
    await runs("a2");
  });

  test("refuses orders that are older than what it has, of another cluster, or malformed", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.change([desiredAllocation({ id: "a1" })], [], { term: 2 });
    await runs("a1");
    const { fence } = leader;
    const stale = {
      v: 1,
      clusterId,
      fence: { term: 1, generation: 99 },
      base: fence,
      add: [],
      remove: ["a1"],
    };
    leader.push(stale);
    leader.push({ ...stale, fence: { term: 3, generation: 99 }, clusterId: "cother0000000000" });
    leader.push({ v: 1 });
    leader.push("nonsense");
    leader.change([desiredAllocation({ id: "a2" })], []);
    await runs("a2");
    expect(leader.latest("a1")?.state).toBe("running");
    expect(livingPids("a1")).not.toEqual([]);
  });

  test("repeats a final report until it is acknowledged", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.refuseReports = new BerthError("log.unavailable", "not now", { retryable: true });
    leader.change([desiredAllocation({ id: "a1", command: ["true"] })], []);
    await until("the task ended", () => livingPids().length === 0);
    leader.refuseReports = null;
    await finishes("a1");
    expect(leader.latest("a1")).toMatchObject({ outcome: "complete" });
  });

  test("says hello again to a leader that does not know it, and then repeats its report", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.refuseReports = new BerthError("not_found", "not registered here", { retryable: true });
    leader.change([desiredAllocation({ id: "a1", command: ["true"] })], []);
    await until("it introduced itself again", () => leader.hellos.length > 1);
    leader.refuseReports = null;
    await finishes("a1");
    const before = leader.hellos.length;
    leader.askToIntroduce();
    await until("it did so when asked to", () => leader.hellos.length > before);
  });

  test("says what became of what its leader misses: running, or lost and never started", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.change([desiredAllocation({ id: "a1" })], []);
    await runs("a1");
    leader.reports.length = 0;
    leader.unlisted = ["a1", "a7"] as AllocationId[];
    leader.askToIntroduce();
    const said = () => leader.reports.map(({ allocationId, state }) => `${allocationId} ${state}`);
    await until("both are reported", () => new Set(said()).size === 2);
    expect(said()).toEqual(expect.arrayContaining(["a1 running", "a7 finished"]));
    expect(leader.reports.find(({ state }) => state === "finished")).toMatchObject({
      allocationId: "a7",
      outcome: "lost",
    });
  });

  test("says so when its hello leaves something out for want of room", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    expect(leader.hellos[0]?.complete).toBe(true);
    const client = new Leader(agentBus, NODE_ID);
    const report = {
      state: "running" as const,
      startedAtUnixMs: 0,
      pid: null,
      health: "none" as const,
      message: "x".repeat(60_000),
    };
    const reports = Array.from({ length: 10 }, (_, number) => ({
      ...report,
      allocationId: `a${number + 1}` as AllocationId,
    }));
    const description = leader.hellos[0]?.description;
    if (description === undefined) throw new Error("a hello has a description");
    await client.hello(description, null, null, reports);
    expect(leader.hellos.at(-1)).toMatchObject({ complete: false, allocations: { length: 8 } });
  });

  test("keeps everything running while it is cut off, and reports what happened then", async () => {
    await start();
    await until("it is joined", () => leader.pulls > 0);
    leader.change([desiredAllocation({ id: "a1" }), desiredAllocation({ id: "a2" })], []);
    await runs("a1");
    await runs("a2");
    // The newest one is the task, not its shim. Never kill(0): that is this test's own group.
    await until("the process of a1 is there", () => livingPids("a1").length > 0);
    const pid = Math.max(...livingPids("a1"));
    agentBus.setConnected(false);
    process.kill(pid, "SIGKILL");
    await until("a1 is gone", () => livingPids("a1").length === 0);
    expect(livingPids("a2")).not.toEqual([]);
    agentBus.setConnected(true);
    await finishes("a1");
    expect(leader.latest("a1")).toMatchObject({ exit: { kind: "signal", signal: "SIGKILL" } });
    expect(leader.hellos.length).toBe(2);
  });

  test("leaves tasks running when it ends, and tells of them when it comes back", async () => {
    leader.change([desiredAllocation({ id: "a1" })], []);
    await start();
    await runs("a1");
    const pids = livingPids();
    stopAgent();
    expect(livingPids()).toEqual(pids);
    await start();
    await until("hello", () => leader.hellos.length === 2);
    expect(leader.hellos[1]).toMatchObject({
      clusterId,
      allocations: [{ state: "running", allocationId: "a1" }],
    });
    expect(livingPids()).toEqual(pids);
  });

  test("does not go over to another cluster", async () => {
    leader.change([desiredAllocation({ id: "a1" })], []);
    await start();
    await runs("a1");
    stopAgent();
    leader.clusterId = "cother0000000000" as ClusterId;
    leader.change([], ["a1"]);
    await start();
    await until("it has said hello twice", () => leader.hellos.length >= 3);
    expect(livingPids("a1")).not.toEqual([]);
    expect(logger.counts().get("hello wrong_cluster")).toBeGreaterThan(0);
  });

  test("beats and measures", async () => {
    leader.change(
      [desiredAllocation({ id: "a1", command: ["sh", "-c", "while :; do :; done"] })],
      [],
    );
    await start();
    await runs("a1");
    await until("usage of the task", () => leader.usages.length >= 2, 15_000);
    expect(leader.beats).toBeGreaterThan(3);
    const usage = leader.usages.at(-1);
    expect(usage?.host.memoryMiB).toBeGreaterThan(0);
    expect(usage?.allocations).toMatchObject([{ allocationId: "a1", processes: 1 }]);
    expect(usage?.allocations[0]?.cpuMillis).toBeGreaterThan(50);
  });
});

test("stopping all tasks of a folder is refused while an agent has it", async () => {
  await start();
  await expect(stopAllTasks(folder)).rejects.toMatchObject({ code: "conflict" });
});

test("stopping all tasks of a folder ends them, and the next agent reports them as stopped", async () => {
  leader.change([desiredAllocation({ id: "a1" }), desiredAllocation({ id: "a2" })], []);
  await start();
  await runs("a1");
  await runs("a2");
  stopAgent();
  expect(await stopAllTasks(folder)).toBe(2);
  expect(livingPids()).toEqual([]);
  await start();
  await finishes("a1");
  expect(leader.latest("a1")).toMatchObject({ outcome: "stopped" });
});
