import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hashEntry, NO_ENTRY_HASH } from "@berth/runtime";
import { applyEntry, createState, encodeState, stateHash } from "@berth/scheduler/state";
import {
  batchSpec,
  gpu,
  httpCheck,
  leaderStarted,
  nodeDescription,
  nodeId,
  serviceSpec,
  systemSpec,
} from "../../dist/core/testing/builders.js";
import { finished, TestCluster } from "../../dist/core/testing/test-cluster.js";

/**
 * Writes the golden files of this version: a log in which every type of event occurs, a state from
 * the middle of it, and what both come to. Once written they are never written again: later versions
 * must keep reading them.
 *
 *     npx tsc -b packages/scheduler && node packages/scheduler/test/golden/write.mjs v2
 */
const [, , version] = process.argv;
if (!/^v\d+$/.test(version ?? "")) throw new Error("say which version: v2");

const lines = chained(eventfulCluster().log);
const snapshotSeq = Math.floor(lines.length / 2);
const state = createState();
for (const [index, line] of lines.entries()) {
  applyEntry(state, index + 1, JSON.parse(line));
  if (index + 1 !== snapshotSeq) continue;
  const chunks = [...encodeState(state)].map((chunk) => new TextDecoder().decode(chunk));
  write(`state-${version}.jsonl`, chunks);
}
write(`log-${version}.jsonl`, lines);
const expected = { entries: lines.length, snapshotSeq, stateHash: stateHash(state) };
write(`expected-${version}.json`, [JSON.stringify(expected, null, 2)]);

function eventfulCluster() {
  const cluster = new TestCluster();
  for (let n = 0; n < 4; n += 1) {
    const labels = { rack: n < 2 ? "a" : "b" };
    cluster.hello(nodeDescription(n, { labels, gpus: n === 0 ? [gpu(1), gpu(2)] : [] }));
  }
  const check = { ...httpCheck, failures: 2 };
  cluster.apply(serviceSpec({ name: "web", count: 3, ports: { http: { static: null } }, check }));
  cluster.apply(systemSpec({ name: "probe" }));
  cluster.apply(batchSpec({ name: "train", count: 2, resources: { gpu: anyGpu(1) } }));
  cluster.apply(batchSpec({ name: "huge", resources: { cpuMillis: 64_000 } }));
  cluster.startAll("healthy").settle();
  endFirst(cluster, "train", "complete");
  failTimes(cluster, "web", 8);
  endFirst(cluster, "train", "failed");
  cluster.append([leaderStarted(2)]);
  cluster.command("node.drain", {
    node: nodeId(1),
    deadlineMs: 60_000,
    ignoreSystem: false,
    reason: "réparation",
  });
  cluster.converge();
  cluster.command("node.uncordon", { node: nodeId(1) });
  cluster.command("node.cordon", { node: nodeId(2), reason: "firmware" });
  cluster.apply(serviceSpec({ name: "web", count: 2, priority: 70, check: null }));
  cluster.converge();
  goDown(cluster, nodeId(3));
  cluster.command("node.remove", { node: nodeId(3) });
  cluster.command("workload.stop", { workload: "probe" });
  cluster.converge();
  cluster.command("workload.remove", { workload: "train" });
  cluster.converge();
  policies(cluster);
  sharesAndDisks(cluster);
  return cluster;
}

function policies(cluster) {
  const none = { cpuMillis: null, memoryMiB: null, gpuMillis: null };
  const limit = { ...none, gpuMillis: 4_000 };
  const project = {
    name: "vision",
    parent: null,
    weight: 3,
    guaranteed: none,
    limit,
    mayBorrow: true,
  };
  const reservation = {
    id: "r1",
    project: "vision",
    fromUnixMs: cluster.nowUnixMs + 3_600_000,
    toUnixMs: cluster.nowUnixMs + 7_200_000,
    nodes: 2,
    gpus: 1,
    constraints: ["node.labels.rack == a"],
  };
  cluster.append([
    { type: "ProjectConfigured", project },
    { type: "ProjectConfigured", project: { ...project, name: "audio", parent: "vision" } },
    { type: "PoolConfigured", pool: { name: "default", cpuOvercommitPercent: 150 } },
    { type: "ReservationMade", reservation },
    { type: "ReservationMade", reservation: { ...reservation, id: "r2", nodes: 1 } },
  ]);
  cluster.append([
    { type: "ProjectRemoved", name: "audio" },
    { type: "ReservationRemoved", id: "r2" },
  ]);
}

/** Everything that few grants have, one that makes room for another, and one that moves. */
function sharesAndDisks(cluster) {
  const storage = [
    { mediaClass: "hdd", diskMiB: 60_000 },
    { mediaClass: "nvme", diskMiB: 42_400 },
  ];
  const zones = [{ id: 1, cpuMillis: 2_000, memoryMiB: 4_096, gpuUuids: ["GPU-9"] }];
  const slices = [{ uuid: "MIG-1", profile: "1g.10gb", memoryMiB: 9_856 }];
  const gpus = [gpu(9), gpu(10, { slices })];
  cluster.hello(
    nodeDescription(5, { gpus, storage, zones, devices: { fpga: 2 }, pool: "special" }),
  );
  const resources = {
    cpuMillis: 1_000,
    diskMiB: 1_000,
    diskClass: "nvme",
    devices: { fpga: 1 },
    numa: "require",
    exclusiveCores: true,
    gpu: { count: 1, models: [], memoryMiB: 0, shareMillis: 250 },
  };
  const placement = { pool: "special", timeLimitMs: 60_000, gang: { within: null } };
  cluster.apply(batchSpec({ name: "shares", count: 2, resources, placement }));
  cluster.apply(
    batchSpec({
      name: "slice",
      resources: { gpu: { ...anyGpu(1), memoryMiB: 0, slice: "1g.10gb" } },
    }),
  );
  cluster.startAll().settle();
  const [first] = cluster.live("shares");
  const stop = { type: "AllocationStopRequested", allocationId: first.id, reason: "preempted" };
  cluster.append([{ ...stop, onBehalfOf: "default/web" }]);
  const [moved] = cluster.live("web");
  const move = { type: "AllocationStopRequested", allocationId: moved.id, reason: "rebalanced" };
  cluster.append([{ ...move, moveTo: nodeId(5) }]);
}

function anyGpu(count) {
  return { count, models: ["h100"], memoryMiB: 40_960 };
}

function endFirst(cluster, name, outcome) {
  const [first] = cluster.live(name);
  cluster.end(first, outcome).settle();
}

function failTimes(cluster, name, times) {
  for (let i = 0; i < times; i += 1) {
    const [first] = cluster.live(name);
    const report = finished(first, "failed", cluster.nowUnixMs);
    const exit = i % 2 === 0 ? report.exit : { kind: "signal", signal: "SIGKILL" };
    cluster.report(first.nodeId, [
      { ...report, exit, message: i === 1 ? "out of “memory”" : null },
    ]);
    cluster.nowUnixMs += 700_000;
    cluster.converge();
  }
}

function goDown(cluster, id) {
  const changed = { type: "NodeStatusChanged", nodeId: id };
  cluster.append([{ ...changed, status: "suspect", reason: "no beat for 3s" }]);
  const lost = [...cluster.state.nodes.get(id).live].map((allocationId) => ({
    type: "AllocationFinished",
    allocationId,
    outcome: "lost",
    exit: { kind: "unknown", message: "its node is down" },
    startedAtUnixMs: null,
    finishedAtUnixMs: cluster.nowUnixMs,
    message: null,
  }));
  cluster.append([{ ...changed, status: "down", reason: "no beat for 10s" }, ...lost]);
  cluster.settle();
}

/** The entries as they are stored: each names the hash of the one before. */
function chained(log) {
  let previous = NO_ENTRY_HASH;
  return log.map((entry) => {
    const line = JSON.stringify({ ...entry, previous });
    previous = hashEntry(new TextEncoder().encode(line));
    return line;
  });
}

function write(name, lines) {
  const path = fileURLToPath(new URL(name, import.meta.url));
  if (existsSync(path)) throw new Error(`${name} is written already: it stays as it is`);
  writeFileSync(path, `${lines.join("\n")}\n`);
}
