import {
  AgentHelloReply,
  type AgentUsage,
  type AllocationId,
  type AllocationReport,
  type ClusterId,
  type DesiredAllocation,
  DesiredReply,
  type Fence,
  LogsRequest,
  MESSAGE_VERSION,
  type NodeDescription,
  subjects,
} from "@berth/protocol";
import type { Bus, Clock, Subscription, Timer } from "@berth/runtime";

const REQUEST_TIMEOUT_MS = 2_000;
const BEAT_INTERVAL_MS = 1_000;

/** An agent whose tasks are words: it follows its orders at once and reports what it is told to. */
export class FakeAgent {
  readonly description: NodeDescription;
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #subscriptions: Subscription[] = [];
  readonly #running = new Map<AllocationId, DesiredAllocation>();
  readonly #ended = new Set<AllocationId>();
  readonly #output = new Map<AllocationId, string>();
  #beat: Timer | null = null;
  #clusterId: ClusterId | null = null;
  #fence: Fence | null = null;
  #sequence = 0;
  #isPulling = false;
  /** Tasks of these workloads report that they start and never become healthy. */
  readonly neverHealthy = new Set<string>();

  constructor(bus: Bus, clock: Clock, description: NodeDescription) {
    this.#bus = bus;
    this.#clock = clock;
    this.description = description;
  }

  get running(): readonly DesiredAllocation[] {
    return [...this.#running.values()];
  }

  async join(): Promise<void> {
    const { nodeId } = this.description;
    this.#subscriptions.push(
      this.#bus.subscribe(subjects.nodeDesired(nodeId), () => void this.#pull()),
      this.#bus.subscribe(subjects.node(nodeId, "logs"), ({ body, respond }) => {
        const value = this.#readOutput(LogsRequest.parse(body));
        respond?.({ ok: true, value });
      }),
    );
    const reply = await this.#request("hello", {
      description: this.description,
      clusterId: null,
      applied: null,
      allocations: [],
    });
    this.#clusterId = AgentHelloReply.parse(reply).clusterId;
    this.#beat = this.#clock.every(BEAT_INTERVAL_MS, () => this.beat());
    this.beat();
    await this.#pull();
  }

  leave(): void {
    this.#beat?.cancel();
    this.#beat = null;
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  beat(): void {
    this.#sequence += 1;
    this.#bus.publish(subjects.agent(this.description.nodeId, "beat"), {
      v: MESSAGE_VERSION,
      nodeId: this.description.nodeId,
      sequence: this.#sequence,
      bootId: this.description.bootId,
      applied: this.#fence,
      running: this.#running.size,
    });
  }

  reportUsage(
    host: AgentUsage["host"],
    useOf: (
      allocation: DesiredAllocation,
    ) => Omit<AgentUsage["allocations"][number], "allocationId">,
  ): void {
    this.#bus.publish(subjects.agent(this.description.nodeId, "usage"), {
      v: MESSAGE_VERSION,
      nodeId: this.description.nodeId,
      atUnixMs: this.#clock.nowUnixMs(),
      host,
      allocations: this.running.map((allocation) => ({
        allocationId: allocation.allocationId,
        ...useOf(allocation),
      })),
    });
  }

  /** A task writes to its standard output. */
  write(id: AllocationId, text: string): void {
    this.#output.set(id, (this.#output.get(id) ?? "") + text);
  }

  async finish(id: AllocationId, exitCode: number): Promise<void> {
    this.#running.delete(id);
    this.#ended.add(id);
    await this.#report({
      state: "finished",
      allocationId: id,
      outcome: exitCode === 0 ? "complete" : "failed",
      exit: { kind: "code", code: exitCode },
      startedAtUnixMs: this.#clock.nowUnixMs() - 5_000,
      finishedAtUnixMs: this.#clock.nowUnixMs(),
      message: null,
    });
  }

  async #pull(): Promise<void> {
    if (this.#isPulling) return;
    this.#isPulling = true;
    try {
      const reply = DesiredReply.parse(
        await this.#request("desired", { clusterId: this.#clusterId, after: null }),
      );
      this.#fence = reply.fence;
      await this.#follow(reply.allocations);
    } catch {
      // No leader now: the next hint, or the next one's answer to a beat, brings it back here.
    } finally {
      this.#isPulling = false;
    }
  }

  async #follow(desired: readonly DesiredAllocation[]): Promise<void> {
    const wanted = new Set(desired.map(({ allocationId }) => allocationId));
    for (const allocation of desired) {
      const { allocationId: id } = allocation;
      if (this.#running.has(id) || this.#ended.has(id)) continue;
      const well = this.neverHealthy.has(allocation.workloadName) ? "starting" : "healthy";
      await this.#report({
        state: "running",
        allocationId: id,
        startedAtUnixMs: this.#clock.nowUnixMs(),
        pid: 4_000 + Number(id.slice(1)),
        health: allocation.check === null ? "none" : well,
        message: null,
      });
      this.#running.set(id, allocation);
    }
    for (const id of [...this.#running.keys()].filter((each) => !wanted.has(each))) {
      this.#running.delete(id);
      this.#ended.add(id);
      await this.#report({
        state: "finished",
        allocationId: id,
        outcome: "stopped",
        exit: { kind: "signal", signal: "SIGTERM" },
        startedAtUnixMs: this.#clock.nowUnixMs() - 5_000,
        finishedAtUnixMs: this.#clock.nowUnixMs(),
        message: null,
      });
    }
  }

  async #report(report: AllocationReport): Promise<void> {
    await this.#request("report", { clusterId: this.#clusterId, reports: [report] });
  }

  async #request(message: "hello" | "desired" | "report", body: object): Promise<unknown> {
    const { nodeId } = this.description;
    const reply = await this.#bus.request(
      subjects.agent(nodeId, message),
      { v: MESSAGE_VERSION, nodeId, ...body },
      { timeoutMs: REQUEST_TIMEOUT_MS },
    );
    if (typeof reply === "object" && reply !== null && "value" in reply) return reply.value;
    throw new Error(`the scheduler refused ${message}: ${JSON.stringify(reply)}`);
  }

  #readOutput({ allocationId, stream, offset, tailLines, maxBytes }: LogsRequest) {
    const text = stream === "stdout" ? (this.#output.get(allocationId) ?? "") : "";
    const bytes = Buffer.from(text, "utf8");
    const from = tailLines === null ? Math.min(offset, bytes.length) : 0;
    const data = bytes.subarray(from, from + maxBytes);
    return {
      offset: from,
      nextOffset: from + data.length,
      skippedBytes: 0,
      data: data.toString("base64"),
      end: this.#ended.has(allocationId) && from + data.length >= bytes.length,
    };
  }
}
