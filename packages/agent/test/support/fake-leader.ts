import {
  AgentHello,
  AgentReport,
  type AgentUsage,
  type AllocationId,
  allocationNumber,
  type AllocationReport,
  BerthError,
  type ClusterId,
  type DesiredAllocation,
  type DesiredDelta,
  DesiredRequest,
  type Fence,
  MESSAGE_VERSION,
  type NodeId,
  subjects,
} from "@berth/protocol";
import type { Bus, Message } from "@berth/runtime";

/** The leader's side of the agent protocol, in its simplest form: tests say what is desired. */
export class FakeLeader {
  readonly hellos: AgentHello[] = [];
  /** What it misses in every hello. */
  unlisted: AllocationId[] = [];
  readonly reports: AllocationReport[] = [];
  readonly usages: AgentUsage[] = [];
  beats = 0;
  pulls = 0;
  fence: Fence = { term: 1, generation: 0 };
  pageSize = 2;
  /** Answers reports with this instead of acknowledging them. */
  refuseReports: BerthError | null = null;
  clusterId: ClusterId;
  readonly #bus: Bus;
  readonly #nodeId: NodeId;
  readonly #desired = new Map<AllocationId, DesiredAllocation>();

  constructor(bus: Bus, nodeId: NodeId, clusterId: ClusterId) {
    this.#bus = bus;
    this.#nodeId = nodeId;
    this.clusterId = clusterId;
    this.#serve("hello", (body) => {
      this.hellos.push(AgentHello.parse(body));
      return { clusterId: this.clusterId, fence: this.fence, unlisted: this.unlisted };
    });
    this.#serve("report", (body) => {
      if (this.refuseReports !== null) throw this.refuseReports;
      this.reports.push(...AgentReport.parse(body).reports);
      return { unknown: [] };
    });
    this.#serve("desired", (body) => this.#page(DesiredRequest.parse(body)));
    bus.subscribe(subjects.agent(nodeId, "beat"), () => void (this.beats += 1));
    bus.subscribe(
      subjects.agent(nodeId, "usage"),
      ({ body }) => void this.usages.push(body as AgentUsage),
    );
  }

  /** Changes what is desired and pushes the change, or keeps the news to itself. */
  change(
    add: readonly DesiredAllocation[],
    remove: readonly string[],
    options: { push?: boolean; term?: number } = {},
  ): DesiredDelta {
    const base = this.fence;
    this.fence = { term: options.term ?? base.term, generation: base.generation + 1 };
    for (const allocation of add) this.#desired.set(allocation.allocationId, allocation);
    for (const id of remove) this.#desired.delete(id as AllocationId);
    const delta: DesiredDelta = {
      v: MESSAGE_VERSION,
      clusterId: this.clusterId,
      fence: this.fence,
      base,
      add: [...add],
      remove: remove as AllocationId[],
    };
    if (options.push !== false) this.push(delta);
    return delta;
  }

  askToIntroduce(): void {
    this.#bus.publish(subjects.nodeIntroduce(this.#nodeId), { v: MESSAGE_VERSION });
  }

  push(delta: unknown): void {
    this.#bus.publish(subjects.nodeDesired(this.#nodeId), delta);
  }

  latest(id: string): AllocationReport | undefined {
    return this.reports.findLast((report) => report.allocationId === id);
  }

  #page({ after }: DesiredRequest) {
    this.pulls += 1;
    const rest = [...this.#desired.values()]
      .sort((a, b) => allocationNumber(a.allocationId) - allocationNumber(b.allocationId))
      .filter(
        ({ allocationId }) =>
          after === null || allocationNumber(allocationId) > allocationNumber(after),
      );
    const allocations = rest.slice(0, this.pageSize);
    const more = rest.length > allocations.length;
    return { clusterId: this.clusterId, fence: this.fence, allocations, more };
  }

  #serve(message: "hello" | "report" | "desired", answer: (body: unknown) => unknown): void {
    this.#bus.subscribe(subjects.agent(this.#nodeId, message), ({ body, respond }: Message) => {
      try {
        respond?.({ ok: true, value: answer(body) });
      } catch (cause) {
        const error =
          cause instanceof BerthError ? cause : new BerthError("internal", String(cause));
        respond?.({ ok: false, error: error.toWire() });
      }
    });
  }
}
