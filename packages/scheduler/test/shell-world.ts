import {
  AgentHelloReply,
  type ApiMethod,
  type ApiReply,
  type ApiRequest,
  DesiredDelta,
  DesiredReply,
  type Fence,
  MESSAGE_VERSION,
  type NodeId,
  type Reply,
  subjects,
} from "@berth/protocol";
import type { Bus, Log } from "@berth/runtime";
import {
  memoryLease,
  memoryLog,
  memoryLogger,
  type MemoryLogOptions,
  memoryNetwork,
  memorySnapshots,
  seededRandom,
  type VirtualClock,
  virtualClock,
} from "@berth/runtime/memory";
import { shellTimings } from "../src/shell/limits.ts";
import { Scheduler } from "../src/shell/scheduler.ts";
import { TestProcess } from "./test-process.ts";

/** A scheduler on ports in memory, and time that passes only while something is awaited. */
export function shellWorld(options: Omit<MemoryLogOptions, "clock"> = {}) {
  const clock = virtualClock();
  const processes = new Map<string, TestProcess>();
  const network = memoryNetwork({
    clock,
    deliver({ to, run }) {
      const process = processes.get(to);
      clock.after(0, () => (process === undefined ? run() : process.run(run)));
    },
  });
  const log = memoryLog({ clock, ...options });
  const lease = memoryLease({ clock, ttlMs: shellTimings.leaseTtlMs });
  const snapshots = memorySnapshots();
  const logger = memoryLogger();
  const client = network.connect("client");
  let starts = 0;

  function startScheduler(
    name = `scheduler-${(starts += 1)}`,
    between: (log: Log) => Log = (log) => log,
  ): Scheduler {
    const bus = network.connect(name);
    const process = new TestProcess(clock);
    process.uses(bus);
    processes.set(name, process);
    const random = seededRandom(name);
    const scheduler = new Scheduler({
      clock: process.clock,
      random,
      bus,
      log: between(process.log(log)),
      lease: process.lease(lease),
      snapshots: [snapshots],
      logger,
      leader: name,
      version: "0.0.0-test",
    });
    scheduler.start();
    return scheduler;
  }

  /** Lets time pass until the promise has settled. */
  async function during<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    promise.then(
      () => (isSettled = true),
      () => (isSettled = true),
    );
    await pass(clock, () => isSettled);
    return promise;
  }

  const until = (holds: () => boolean) => pass(clock, holds);
  const askRaw = (subject: string, body: unknown) =>
    during(client.request(subject, body, { timeoutMs: 60_000 })) as Promise<Reply<unknown>>;

  async function ask<M extends ApiMethod>(method: M, params: ApiRequest<M>) {
    const reply = await askRaw(subjects.api(method), { v: MESSAGE_VERSION, ...params });
    return reply as Reply<ApiReply<M>>;
  }

  async function leading(): Promise<Scheduler> {
    const scheduler = startScheduler();
    await until(() => scheduler.standing.mode === "leading");
    return scheduler;
  }

  /** The process of a scheduler, by the name it was started with. */
  function processOf(name: string): TestProcess {
    const process = processes.get(name);
    if (process === undefined) throw new Error(`no scheduler ${name}`);
    return process;
  }

  /** Why a scheduler that does not lead refuses writes; null while it leads. */
  const refusalOf = ({ standing }: Scheduler) =>
    standing.mode === "leading" ? null : standing.refusal.code;

  return {
    clock,
    network,
    log,
    lease,
    snapshots,
    logger,
    client,
    startScheduler,
    processOf,
    refusalOf,
    leading,
    during,
    until,
    ask,
    askRaw,
    advance: (byMs: number) => advance(clock, byMs),
  };
}

const STEPS_MAX = 200_000;

async function pass(clock: VirtualClock, holds: () => boolean): Promise<void> {
  for (let steps = 0; steps < STEPS_MAX; steps += 1) {
    await promisesRun();
    if (holds()) return;
    clock.advance(1);
  }
  throw new Error("never came true");
}

async function advance(clock: VirtualClock, byMs: number): Promise<void> {
  for (let passedMs = 0; passedMs < byMs; passedMs += 1) {
    await promisesRun();
    clock.advance(1);
  }
  await promisesRun();
}

function promisesRun(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The answer of a request that must be accepted. */
export function accepted<T>(reply: Reply<T>): T {
  if (!reply.ok) throw new Error(`refused: ${reply.error.code} ${reply.error.message}`);
  return reply.value;
}

/** The code of a request that must be refused. */
export function refusedWith(reply: Reply<unknown>): string {
  if (reply.ok) throw new Error(`accepted: ${JSON.stringify(reply.value)}`);
  return reply.error.code;
}

/** What an agent does on the bus, without running anything. */
export class FakeAgent {
  readonly nodeId: NodeId;
  readonly deltas: DesiredDelta[] = [];
  applied: Fence | null = null;
  readonly #bus: Bus;
  #clusterId: string | null = null;
  #sequence = 0;

  constructor(bus: Bus, nodeId: NodeId) {
    this.#bus = bus;
    this.nodeId = nodeId;
    bus.subscribe(subjects.nodeDesired(nodeId), ({ body }) => {
      this.deltas.push(DesiredDelta.parse(body));
    });
  }

  async hello(overrides: Record<string, unknown> = {}): Promise<AgentHelloReply> {
    const reply = await this.ask("hello", {
      description: nodeDescription(this.nodeId),
      clusterId: this.#clusterId,
      applied: this.applied,
      allocations: [],
      ...overrides,
    });
    const value = AgentHelloReply.parse(accepted(reply));
    this.#clusterId = value.clusterId;
    return value;
  }

  async desired(): Promise<DesiredReply> {
    return DesiredReply.parse(accepted(await this.ask("desired", { after: null })));
  }

  /** Any request as this agent, envelope filled in. */
  async ask(
    kind: "hello" | "report" | "desired",
    body: Record<string, unknown>,
  ): Promise<Reply<unknown>> {
    const envelope = { v: MESSAGE_VERSION, nodeId: this.nodeId, clusterId: this.#clusterId };
    const subject = subjects.agent(this.nodeId, kind);
    const request = this.#bus.request(subject, { ...envelope, ...body }, { timeoutMs: 60_000 });
    return (await request) as Reply<unknown>;
  }

  beat(): void {
    this.#sequence += 1;
    this.#bus.publish(subjects.agent(this.nodeId, "beat"), {
      v: MESSAGE_VERSION,
      nodeId: this.nodeId,
      sequence: this.#sequence,
      bootId: "boot",
      applied: this.applied,
      running: 0,
    });
  }
}

/** A node id of the right form; not a real key. */
export function nodeId(number: number): NodeId {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const tail = `${letters[Math.floor(number / 32) % 32]}${letters[number % 32]}`;
  return `U${"A".repeat(53)}${tail}` as NodeId;
}

export function nodeDescription(id: NodeId, overrides: Record<string, unknown> = {}) {
  return {
    nodeId: id,
    name: `node-${id.slice(-2).toLowerCase()}`,
    bootId: "boot",
    agentVersion: "0.0.0-test",
    labels: {},
    meta: {},
    capacity: { cpuMillis: 8_000, memoryMiB: 16_384, diskMiB: 100_000, networkMbps: 1_000 },
    reserved: { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0 },
    portRange: { from: 20_000, to: 30_000 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: {
        model: "Test",
        architecture: "x64",
        sockets: 1,
        cores: 8,
        threads: 8,
        maxMHz: null,
      },
      memoryMiB: 16_384,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus: [],
      kernel: "6.1",
      operatingSystem: "Test",
      hostName: "test",
      vendor: null,
      product: null,
    },
    ...overrides,
  };
}

export function service(name: string, overrides: Record<string, unknown> = {}) {
  return { kind: "service", name, task: { command: ["sleep", "1000"] }, ...overrides } as never;
}

let requests = 0;
export function requestId(): never {
  requests += 1;
  return `request-${requests}` as never;
}

/** A submission under a request id of its own. */
export const submission = (...workloads: never[]) => ({ requestId: requestId(), workloads });

/** The state of a scheduler that must lead. */
export function leadersState(scheduler: Scheduler) {
  if (scheduler.standing.mode !== "leading") throw new Error("it does not lead");
  return scheduler.standing.reign.state;
}
