import {
  type AgentHello,
  api,
  type ApiMethod,
  type ApiReply,
  type ApiRequest,
  BerthError,
  type ClusterEvent,
  type ClusterId,
  LOG_VERSION,
  type NodeDescription,
  type WorkloadInput,
} from "@berth/protocol";
import {
  applyEntry,
  type ClusterState,
  createState,
  evaluate,
  handleCommand,
  handleQuery,
  observeReports,
  type ReadMethod,
  registerNode,
  type WriteMethod,
} from "@berth/scheduler/core";
import { newRequestId } from "../src/cluster/cluster-client.ts";

type JsonDocument = ApiRequest<"workload.apply">["workloads"][number];

const NOW_UNIX_MS = 1_700_000_000_000;

/** The scheduler's core as a client sees it, with agents that act whenever the client waits. */
export class CoreCluster {
  readonly state: ClusterState = createState();
  /** Called for each request, before it is answered. */
  onCall: (method: ApiMethod) => void = () => {};
  /** Whether what is placed comes up. */
  isStarting = true;

  constructor() {
    const clusterId = "ctestcluster0001" as ClusterId;
    this.#append([{ type: "LeaderStarted", clusterId, term: 1, leader: "core", version: "0.1.0" }]);
  }

  join(description: NodeDescription): void {
    const hello: AgentHello = {
      v: 1,
      nodeId: description.nodeId,
      description,
      clusterId: this.state.clusterId,
      applied: null,
      allocations: [],
      complete: true,
    };
    this.#append(registerNode(this.state, hello, NOW_UNIX_MS).events);
  }

  async apply(workload: WorkloadInput): Promise<void> {
    const workloads = [JSON.parse(JSON.stringify(workload)) as JsonDocument];
    await this.call("workload.apply", { requestId: newRequestId(), workloads });
    this.settle();
  }

  call<M extends ApiMethod>(method: M, params: ApiRequest<M>): Promise<ApiReply<M>> {
    this.onCall(method);
    if (method === "event.list") this.#agentsAct();
    return new Promise((resolve) => {
      resolve(this.#answer(method, api[method].request.parse(params)) as ApiReply<M>);
    });
  }

  /** Scheduler and agents answer each other until nothing moves. */
  settle(): void {
    for (let seq = -1; seq !== this.state.seq; ) {
      seq = this.state.seq;
      this.#agentsAct();
    }
  }

  #answer(method: ApiMethod, params: unknown): unknown {
    const at = { nowUnixMs: NOW_UNIX_MS };
    if (api[method].kind === "read") {
      const result = handleQuery(this.state, method as ReadMethod, params as never, at);
      if (!result.ok) throw BerthError.fromWire(result.error);
      return result.value;
    }
    const result = handleCommand(this.state, method as WriteMethod, params as never, at);
    if (!result.ok) throw BerthError.fromWire(result.error);
    this.#append(result.events);
    this.#evaluate();
    return result.reply(this.state.seq);
  }

  #agentsAct(): void {
    this.#evaluate();
    for (const { id, status, nodeId } of this.state.allocations.values()) {
      const isDue = status === "stopping" || (status === "placed" && this.isStarting);
      if (!isDue) continue;
      const report =
        status === "placed"
          ? ({ state: "running", startedAtUnixMs: NOW_UNIX_MS, pid: 1, health: "none" } as const)
          : ({
              state: "finished",
              outcome: "stopped",
              exit: { kind: "code", code: 0 },
              startedAtUnixMs: NOW_UNIX_MS,
              finishedAtUnixMs: NOW_UNIX_MS,
            } as const);
      const reports = [{ ...report, allocationId: id, message: null }];
      this.#append(observeReports(this.state, nodeId, reports, NOW_UNIX_MS).events);
    }
    this.#evaluate();
  }

  #evaluate(): void {
    for (;;) {
      const { events, more } = evaluate(this.state, NOW_UNIX_MS);
      this.#append(events);
      if (!more) return;
    }
  }

  #append(events: ClusterEvent[]): void {
    if (events.length === 0) return;
    const entry = { v: LOG_VERSION, term: 1, atUnixMs: NOW_UNIX_MS, previous: "", events } as const;
    applyEntry(this.state, this.state.seq + 1, entry);
  }
}

/** A server of four cores that runs processes. */
export function server(name: string): NodeDescription {
  const letter = name.toUpperCase().replaceAll(/[^A-Z]/g, "A");
  return {
    nodeId: `U${letter.padEnd(55, "A")}` as NodeDescription["nodeId"],
    name: name as NodeDescription["name"],
    bootId: name,
    agentVersion: "0.1.0",
    labels: {},
    meta: {},
    capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 102_400, networkMbps: null },
    reserved: { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: null },
    portRange: { from: 20_000, to: 20_999 },
    drivers: [{ name: "process", available: true, reason: null }],
    hardware: {
      cpu: { model: null, architecture: "x64", sockets: 1, cores: 4, threads: 4, maxMHz: null },
      memoryMiB: 8_192,
      swapMiB: 0,
      disks: [],
      fileSystems: [],
      networkInterfaces: [],
      gpus: [],
      kernel: "6.1.0",
      operatingSystem: "Debian GNU/Linux 12",
      hostName: name,
      vendor: null,
      product: null,
    },
  };
}
