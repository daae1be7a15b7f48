import {
  api,
  type ApiMethod,
  type ApiReply,
  type Gpu,
  type NodeDescription,
  type NodeId,
  type NodeName,
  subjects,
  type WorkloadInput,
} from "@berth/protocol";
import { type Clock, type Logger, loggerTo, type Random } from "@berth/runtime";
import {
  type MemoryBus,
  memoryLease,
  type MemoryLease,
  memoryLog,
  type MemoryLog,
  memoryNetwork,
} from "@berth/runtime/memory";
import { Scheduler } from "@berth/scheduler";
import { FakeAgent } from "./fake-agent.ts";

export interface FakeClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
}

const LEASE_TTL_MS = 2_000;

/**
 * A cluster in this process: the real scheduler on a log and a bus in memory, and agents that only
 * say that tasks run. What the gateway sees of it is what it would see of a real one.
 */
export class FakeCluster {
  readonly clock: Clock;
  readonly log: MemoryLog;
  readonly #network: ReturnType<typeof memoryNetwork>;
  readonly #options: FakeClusterOptions;
  readonly #operator: MemoryBus;
  readonly #lease: MemoryLease;
  readonly #agents = new Map<NodeId, FakeAgent>();
  #scheduler: Scheduler | null = null;
  #requests = 0;

  constructor(options: FakeClusterOptions) {
    this.clock = options.clock;
    this.#options = options;
    this.#network = memoryNetwork({ clock: options.clock });
    this.log = memoryLog({ clock: options.clock });
    this.#lease = memoryLease({ clock: options.clock, ttlMs: LEASE_TTL_MS });
    this.#operator = this.#network.connect("operator");
  }

  connect(name: string): MemoryBus {
    return this.#network.connect(name);
  }

  startScheduler(): void {
    const { clock, random, logger = loggerTo(() => {}) } = this.#options;
    const components = {
      clock,
      random,
      logger,
      bus: this.#network.connect("scheduler"),
      log: this.log,
      lease: this.#lease,
      leader: "r1-s01:4242",
      version: "0.1.0",
    };
    this.#scheduler = new Scheduler(components);
    this.#scheduler.start();
  }

  async stopScheduler(): Promise<void> {
    await this.#scheduler?.stop();
    this.#scheduler = null;
  }

  get isLeading(): boolean {
    return this.#scheduler?.standing.mode === "leading";
  }

  async join(number: number, overrides: Partial<NodeShape> = {}): Promise<FakeAgent> {
    const description = describeNode(number, overrides);
    const bus = this.#network.connect(description.name);
    const agent = new FakeAgent(bus, this.clock, description);
    this.#agents.set(description.nodeId, agent);
    await agent.join();
    return agent;
  }

  get agents(): readonly FakeAgent[] {
    return [...this.#agents.values()];
  }

  async apply(...workloads: WorkloadInput[]): Promise<ApiReply<"workload.apply">> {
    return this.call("workload.apply", { requestId: this.#requestId(), workloads });
  }

  async stopWorkload(workload: string): Promise<void> {
    await this.call("workload.stop", { requestId: this.#requestId(), workload });
  }

  async removeWorkload(workload: string): Promise<void> {
    await this.call("workload.remove", { requestId: this.#requestId(), workload });
  }

  async cordon(node: string): Promise<void> {
    await this.call("node.cordon", { requestId: this.#requestId(), node });
  }

  async call<M extends ApiMethod>(method: M, params: object): Promise<ApiReply<M>> {
    const request = { v: 1, ...params } satisfies object;
    const reply = await this.#operator.request(subjects.api(method), request, { timeoutMs: 5_000 });
    if (typeof reply !== "object" || reply === null || !("value" in reply)) {
      throw new Error(`${method} is refused: ${JSON.stringify(reply)}`);
    }
    return api[method].reply.parse(reply.value) as ApiReply<M>;
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents.values()) agent.leave();
    await this.stopScheduler();
  }

  #requestId(): string {
    this.#requests += 1;
    return `request-${this.#requests}`;
  }
}

export interface NodeShape {
  readonly name: string;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly networkMbps: number | null;
  readonly gpus: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** The n-th node: 16 cores, 64 GiB, 1 TiB of disk, 10 Gbit/s, unless said otherwise. */
export function describeNode(number: number, overrides: Partial<NodeShape> = {}): NodeDescription {
  const shape: NodeShape = {
    name: `r${1 + Math.floor(number / 10)}-s${String(1 + (number % 10)).padStart(2, "0")}`,
    cpuMillis: 16_000,
    memoryMiB: 65_536,
    diskMiB: 1_048_576,
    networkMbps: 10_000,
    gpus: 0,
    labels: {},
    ...overrides,
  };
  const { cpuMillis, memoryMiB, diskMiB, networkMbps } = shape;
  return {
    nodeId: nodeIdOf(number),
    name: shape.name as NodeName,
    bootId: `boot-${number}`,
    agentVersion: "0.1.0",
    labels: { ...shape.labels },
    meta: {},
    capacity: { cpuMillis, memoryMiB, diskMiB, networkMbps },
    reserved: { cpuMillis: 500, memoryMiB: 1_024, diskMiB: 10_240, networkMbps: null },
    portRange: { from: 20_000, to: 20_999 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "AMD EPYC 9354 32-Core Processor",
        architecture: "x64",
        sockets: 1,
        cores: cpuMillis / 1_000,
        threads: cpuMillis / 1_000,
        maxMHz: null,
      },
      memoryMiB,
      swapMiB: 0,
      disks: [
        { id: "nvme-0", device: "/dev/nvme0n1", mediaClass: "nvme", sizeMiB: diskMiB, model: null },
      ],
      fileSystems: [],
      networkInterfaces: [
        { name: "eth0", mac: null, addresses: [], speedMbps: networkMbps, up: true },
      ],
      gpus: Array.from({ length: shape.gpus }, (_, at) => gpuOf(number, at)),
      kernel: "6.1.0-26-amd64",
      operatingSystem: "Debian GNU/Linux 12",
      hostName: shape.name,
      vendor: null,
      product: null,
    },
  };
}

function gpuOf(number: number, at: number): Gpu {
  return {
    uuid: `GPU-${number}-${at}`,
    model: "NVIDIA H100 80GB HBM3",
    memoryMiB: 81_559,
    driverVersion: "550.54",
    pciAddress: null,
  };
}

function nodeIdOf(number: number): NodeId {
  const digits = "ABCDEFGHIJ";
  const letters = String(number)
    .padStart(6, "0")
    .replace(/\d/g, (digit) => digits.charAt(Number(digit)));
  return `U${"A".repeat(49)}${letters}` as NodeId;
}
