import {
  allocationId,
  type ClusterEvent,
  type ClusterId,
  LOG_VERSION,
  type LogEntry,
  type NodeDescription,
  type NodeId,
  type NodeName,
  type ProjectName,
  workloadId,
  type WorkloadName,
  type WorkloadSpec,
} from "@berth/protocol";

/** How large a cluster the log describes: everything is placed once, and runs. */
export interface LargeCluster {
  readonly nodes: number;
  readonly workloads: number;
  readonly allocations: number;
}

const EVENTS_PER_ENTRY = 64;
const T0_UNIX_MS = 1_790_000_000_000;
const MIB_PER_NODE = 4 * 1024 * 1024;

/**
 * The log of such a cluster as the JSON texts of its entries, the same every time: nodes join,
 * services of equal size are submitted, placed around the nodes with a port each, and run.
 */
export function* largeLog(cluster: LargeCluster): Generator<string> {
  let events: ClusterEvent[] = [];
  let atUnixMs = T0_UNIX_MS;
  for (const event of eventsOf(cluster)) {
    events.push(event);
    if (events.length < EVENTS_PER_ENTRY) continue;
    atUnixMs += 7;
    yield entryText(atUnixMs, events);
    events = [];
  }
  if (events.length > 0) yield entryText(atUnixMs + 7, events);
}

function entryText(atUnixMs: number, events: ClusterEvent[]): string {
  const entry: LogEntry = { v: LOG_VERSION, term: 1, atUnixMs, previous: "0".repeat(64), events };
  return JSON.stringify(entry);
}

function* eventsOf({ nodes, workloads, allocations }: LargeCluster): Generator<ClusterEvent> {
  const clusterId = "cbenchmark00001" as ClusterId;
  yield { type: "LeaderStarted", clusterId, term: 1, leader: "bench", version: "0.0.0" };
  for (let n = 0; n < nodes; n += 1) yield { type: "NodeRegistered", node: nodeOf(n) };
  const count = Math.ceil(allocations / workloads);
  for (let w = 0; w < workloads; w += 1) {
    const spec = serviceOf(w, count);
    yield { type: "WorkloadApplied", workloadId: idOf(w), version: 1, spec };
  }
  for (let a = 0; a < allocations; a += 1) {
    yield placed(a, { workload: Math.floor(a / count), index: a % count, nodes });
    yield running(a);
  }
}

function placed(
  a: number,
  { workload, index, nodes }: { workload: number; index: number; nodes: number },
): ClusterEvent {
  const spec = serviceOf(workload, 1);
  const { gpu: _, ...amounts } = spec.resources;
  const port = 20_000 + Math.floor(a / nodes);
  return {
    type: "AllocationPlaced",
    allocationId: allocationId(a + 1),
    workloadId: idOf(workload),
    workloadVersion: 1,
    index,
    attempt: 1,
    nodeId: nodeIdOf(a % nodes),
    granted: { ...amounts, gpuUuids: [], ports: { http: port } },
    why: {
      nodesTotal: nodes,
      nodesFeasible: nodes,
      candidates: [0, 1, 2].map((rank) => ({
        nodeId: nodeIdOf((a + rank) % nodes),
        nodeName: nameOf((a + rank) % nodes),
        score: 900 - rank,
        terms: { tightness: 800 - rank, balance: 60, spread: 40 },
      })),
    },
  };
}

function running(a: number): ClusterEvent {
  return {
    type: "AllocationRunning",
    allocationId: allocationId(a + 1),
    startedAtUnixMs: T0_UNIX_MS + a,
    pid: 1_000 + (a % 30_000),
    health: "healthy",
    message: null,
  };
}

function idOf(w: number) {
  return workloadId("default" as ProjectName, `service-${w}` as WorkloadName);
}

/** A node id: `U` and 55 characters of base32, spread as those of keys are. */
function nodeIdOf(n: number): NodeId {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let id = "U";
  let seed = n + 1;
  for (let i = 0; i < 55; i += 1) {
    seed = (Math.imul(seed, 0x01000193) ^ (n + i)) >>> 0;
    id += digits.charAt(seed >>> 27);
  }
  return id as NodeId;
}

function nameOf(n: number): NodeName {
  return `r${Math.floor(n / 40)}-s${n % 40}` as NodeName;
}

function nodeOf(n: number): NodeDescription {
  return {
    nodeId: nodeIdOf(n),
    name: nameOf(n),
    bootId: `boot-${n}`,
    agentVersion: "0.1.0",
    labels: { rack: `r${Math.floor(n / 40)}`, zone: `z${n % 3}` },
    meta: {},
    capacity: {
      cpuMillis: 1_000_000,
      memoryMiB: MIB_PER_NODE,
      diskMiB: MIB_PER_NODE,
      networkMbps: 100_000,
    },
    reserved: { cpuMillis: 1_000, memoryMiB: 1_024, diskMiB: 10_240, networkMbps: null },
    portRange: { from: 20_000, to: 32_000 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "AMD EPYC 9754",
        architecture: "x64",
        sockets: 2,
        cores: 256,
        threads: 512,
        maxMHz: 3_100,
      },
      memoryMiB: MIB_PER_NODE,
      swapMiB: 0,
      disks: [0, 1, 2, 3].map((disk) => ({
        id: `nvme-${n}-${disk}`,
        device: `nvme${disk}n1`,
        mediaClass: "nvme" as const,
        sizeMiB: MIB_PER_NODE / 4,
        model: "KIOXIA CD8",
      })),
      fileSystems: [],
      networkInterfaces: [],
      gpus: [],
      kernel: "6.1.0-41-amd64",
      operatingSystem: "Debian GNU/Linux 12",
      hostName: nameOf(n),
      vendor: "Supermicro",
      product: "AS-2015HS",
    },
  };
}

function serviceOf(w: number, count: number): WorkloadSpec {
  return {
    kind: "service",
    project: "default" as ProjectName,
    name: `service-${w}` as WorkloadName,
    priority: 50,
    task: {
      driver: "process",
      command: ["/usr/bin/server", "--shard", String(w)],
      env: { REGION: "a", LEVEL: "info" },
      workDir: null,
    },
    resources: {
      cpuMillis: 100 * (1 + (w % 5)),
      memoryMiB: 128 * (1 + (w % 7)),
      diskMiB: 0,
      networkMbps: 0,
      gpu: null,
    },
    ports: { http: { static: null } },
    constraints: [],
    restart: {
      attempts: 3,
      withinMs: 600_000,
      backoffMinMs: 1_000,
      backoffMaxMs: 60_000,
      exhausted: "delay",
    },
    stop: { signal: "SIGTERM", graceMs: 10_000 },
    count,
    check: {
      probe: { type: "tcp", port: "http" },
      intervalMs: 2_000,
      timeoutMs: 2_000,
      failures: 3,
      startPeriodMs: 30_000,
    },
    update: { maxUnavailable: 1 },
  };
}
