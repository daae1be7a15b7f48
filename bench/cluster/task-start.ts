import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startAgent, stopAllTasks } from "@berth/agent";
import {
  type AllocationReport,
  type ClusterId,
  DesiredAllocation,
  type DriverName,
  driverNames,
  MESSAGE_VERSION,
  NodeId,
  subjects,
} from "@berth/protocol";
import { memoryLogger, memoryNetwork } from "@berth/runtime/memory";
import { nodeClock, nodeRandom } from "@berth/runtime/node";
import { machine, numberArgument, print, summary } from "./statistics.ts";

/**
 * How long an agent takes, for each driver: from the order's arrival until it reports the task's
 * process, and from the moment the process is killed until it reports the end. A leader in the same
 * process, so that no network is measured; one task at a time.
 */
const runs = numberArgument("runs", 100);
const nodeId = NodeId.parse(`U${"B".repeat(55)}`);
const clusterId = `c${nodeRandom.token(16)}` as ClusterId;
const folder = mkdtempSync(path.join(tmpdir(), "berth-start-"));
const network = memoryNetwork({ clock: nodeClock });
const leader = network.connect("leader");
const desired = new Map<string, DesiredAllocation>();
let generation = 0;
let lastNumber = 0;
let unavailable: ReadonlyMap<string, string> | null = null;
let onReport: (report: AllocationReport) => void = () => {};

leader.subscribe(subjects.agent(nodeId, "hello"), ({ body, respond }) => {
  const { drivers } = (body as { description: { drivers: DriverStatus[] } }).description;
  unavailable = new Map(drivers.flatMap(({ name, reason }) => (reason ? [[name, reason]] : [])));
  respond?.({ ok: true, value: { clusterId, fence: fence(), unlisted: [] } });
});
leader.subscribe(subjects.agent(nodeId, "desired"), ({ respond }) => {
  respond?.({
    ok: true,
    value: { clusterId, fence: fence(), allocations: [...desired.values()], more: false },
  });
});
leader.subscribe(subjects.agent(nodeId, "report"), ({ body, respond }) => {
  for (const report of (body as { reports: AllocationReport[] }).reports) onReport(report);
  respond?.({ ok: true, value: { unknown: [] } });
});
interface DriverStatus {
  readonly name: string;
  readonly reason: string | null;
}

const options = { server: "memory", credentials: "none", state: folder };
const agent = await startAgent(options, nodeId, {
  bus: network.connect("agent"),
  clock: nodeClock,
  random: nodeRandom,
  logger: memoryLogger(),
});
try {
  const drivers: Record<string, object> = {};
  for (const name of driverNames) {
    const reason = await refusalOf(name);
    drivers[name] = reason === null ? await measure(name) : { unavailable: reason };
  }
  print({ benchmark: "task-start", machine: machine(), runs, drivers });
} finally {
  agent.stop();
  await stopAllTasks(folder);
  rmSync(folder, { recursive: true, force: true });
}

async function refusalOf(name: string): Promise<string | null> {
  while (unavailable === null) await new Promise((resolve) => setTimeout(resolve, 10));
  return unavailable.get(name) ?? null;
}

async function measure(driver: DriverName) {
  const startMs: number[] = [];
  const exitMs: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const allocation = sleeping(driver);
    const running = reported("running", allocation.allocationId);
    const orderedAt = performance.now();
    order([allocation], []);
    const report = await running;
    startMs.push(performance.now() - orderedAt);
    const finished = reported("finished", allocation.allocationId);
    const killedAt = performance.now();
    if (report.state === "running" && report.pid !== null) process.kill(report.pid, "SIGKILL");
    await finished;
    exitMs.push(performance.now() - killedAt);
    order([], [allocation.allocationId]);
  }
  return { startMs: summary(startMs), exitMs: summary(exitMs) };
}

function reported(state: AllocationReport["state"], id: string): Promise<AllocationReport> {
  return new Promise((resolve) => {
    onReport = (report) => {
      if (report.allocationId === id && report.state === state) resolve(report);
    };
  });
}

function order(add: readonly DesiredAllocation[], remove: readonly string[]): void {
  const base = fence();
  generation += 1;
  for (const allocation of add) desired.set(allocation.allocationId, allocation);
  for (const id of remove) desired.delete(id);
  const delta = { v: MESSAGE_VERSION, clusterId, fence: fence(), base, add, remove };
  leader.publish(subjects.nodeDesired(nodeId), delta);
}

function fence() {
  return { term: 1, generation };
}

function sleeping(driver: DriverName): DesiredAllocation {
  lastNumber += 1;
  return DesiredAllocation.parse({
    allocationId: `a${lastNumber}`,
    workloadId: "bench/sleep",
    project: "bench",
    workloadName: "sleep",
    workloadVersion: 1,
    index: 0,
    count: 1,
    attempt: 1,
    task: { driver, command: ["sleep", "300"], env: {}, workDir: null },
    granted: {
      cpuMillis: 100,
      memoryMiB: 64,
      diskMiB: 0,
      networkMbps: 0,
      gpuUuids: [],
      ports: {},
    },
    check: null,
    stop: { signal: "SIGTERM", graceMs: 1_000 },
  });
}
