import {
  LOG_VERSION,
  type ClusterEvent,
  type ClusterId,
  type Gpu,
  type LogEntry,
  type NodeDescription,
  type NodeId,
  type NodeName,
  type ProjectName,
  type RequestId,
  type WorkloadName,
  type WorkloadSpec,
} from "@berth/protocol";

/** Valid values with defaults, so that a test names only what it is about. */
export const T0_UNIX_MS = 1_700_000_000_000;

/** The n-th node id: 0 to 999_999. */
export function nodeId(n: number): NodeId {
  const digits = "ABCDEFGHIJ";
  const suffix = String(n)
    .padStart(6, "0")
    .replace(/\d/g, (digit) => digits[Number(digit)] ?? "A");
  return `U${"A".repeat(49)}${suffix}` as NodeId;
}

export function requestId(n: number): RequestId {
  return `request-${String(n).padStart(8, "0")}` as RequestId;
}

export function gpu(n: number, more: Partial<Gpu> = {}): Gpu {
  return {
    uuid: `GPU-${n}`,
    model: "NVIDIA H100",
    memoryMiB: 81_920,
    driverVersion: null,
    pciAddress: null,
    ...more,
  };
}

type NodeOverrides = Partial<Omit<NodeDescription, "hardware">> & { gpus?: Gpu[] };

/** An idle server with 4 cores, 8 GiB, 100 GiB of disk and 1 Gbit/s, called `n<n>`. */
export function nodeDescription(n: number, overrides: NodeOverrides = {}): NodeDescription {
  const { gpus = [], ...more } = overrides;
  return {
    nodeId: nodeId(n),
    name: `n${n}` as NodeName,
    bootId: `boot-${n}`,
    agentVersion: "0.1.0",
    labels: {},
    meta: {},
    capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 102_400, networkMbps: 1_000 },
    reserved: { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: null },
    portRange: { from: 20_000, to: 20_999 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "AMD EPYC 9354",
        architecture: "x64",
        sockets: 1,
        cores: 4,
        threads: 4,
        maxMHz: null,
      },
      memoryMiB: 8_192,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus,
      kernel: "6.1.0",
      operatingSystem: "Debian GNU/Linux 12",
      hostName: `n${n}`,
      vendor: null,
      product: null,
    },
    ...more,
  };
}

type Overrides<Kind extends WorkloadSpec["kind"]> = Omit<
  Partial<Extract<WorkloadSpec, { kind: Kind }>>,
  "name" | "resources"
> & { name?: string; resources?: Partial<WorkloadSpec["resources"]> };

function common(name: string, resources: Partial<WorkloadSpec["resources"]> = {}) {
  return {
    project: "default" as ProjectName,
    name: name as WorkloadName,
    priority: 50,
    task: { driver: "process" as const, command: ["run"], env: {}, workDir: null },
    resources: {
      cpuMillis: 100,
      memoryMiB: 64,
      diskMiB: 0,
      networkMbps: 0,
      gpu: null,
      ...resources,
    },
    ports: {},
    constraints: [],
    stop: { signal: "SIGTERM" as const, graceMs: 10_000 },
  };
}

const restart = { attempts: 3, withinMs: 600_000, backoffMinMs: 1_000, backoffMaxMs: 60_000 };

export function serviceSpec(overrides: Overrides<"service"> = {}): WorkloadSpec {
  const { name = "web", resources, ...more } = overrides;
  return {
    ...common(name, resources),
    kind: "service",
    count: 1,
    check: null,
    update: { maxUnavailable: 1 },
    restart: { ...restart, exhausted: "delay" },
    ...more,
  };
}

export function batchSpec(overrides: Overrides<"batch"> = {}): WorkloadSpec {
  const { name = "job", resources, ...more } = overrides;
  return {
    ...common(name, resources),
    kind: "batch",
    count: 1,
    restart: { ...restart, exhausted: "fail" },
    ...more,
  };
}

export function systemSpec(overrides: Overrides<"system"> = {}): WorkloadSpec {
  const { name = "agent", resources, ...more } = overrides;
  return {
    ...common(name, resources),
    kind: "system",
    check: null,
    update: { maxUnavailable: 1 },
    restart: { ...restart, exhausted: "delay" },
    ...more,
  };
}

export const httpCheck = {
  probe: { type: "tcp" as const, port: "http" },
  intervalMs: 1_000,
  timeoutMs: 1_000,
  failures: 3,
  startPeriodMs: 10_000,
};

export function leaderStarted(term: number): ClusterEvent {
  return {
    type: "LeaderStarted",
    clusterId: "ctestcluster0001" as ClusterId,
    term,
    leader: `leader-${term}`,
    version: "0.1.0",
  };
}

export function entry(term: number, atUnixMs: number, events: ClusterEvent[]): LogEntry {
  return { v: LOG_VERSION, term, atUnixMs, previous: "", events };
}
