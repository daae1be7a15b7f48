import {
  type AllocationId,
  type ApiParams,
  type ClusterEvent,
  type ClusterId,
  LOG_VERSION,
  type NodeId,
  type RequestId,
  type WorkloadInput,
} from "@berth/protocol";
import {
  applyEntry,
  type Changes,
  createState,
  evaluate,
  handleCommand,
  isFinal,
  needsEvaluation,
  type WriteMethod,
} from "@berth/scheduler/core";
import { describeNode } from "./fake-cluster.ts";

/** The scheduler's decisions without a shell: each step appends entries and says what they changed. */
export class CoreCluster {
  readonly state = createState();
  #nowUnixMs = 1_700_000_000_000;
  #nodes = 0;
  #requests = 0;

  constructor() {
    this.append([
      {
        type: "LeaderStarted",
        clusterId: "c0123456789ab" as ClusterId,
        term: 1,
        leader: "test:1",
        version: "0.1.0",
      },
    ]);
  }

  append(events: ClusterEvent[]): Changes[] {
    if (events.length === 0) return [];
    this.#nowUnixMs += 1_000;
    const entry = {
      v: LOG_VERSION,
      term: this.state.term === 0 ? 1 : this.state.term,
      atUnixMs: this.#nowUnixMs,
      previous: "",
      events,
    } as const;
    return [applyEntry(this.state, this.state.seq + 1, { ...entry, events })];
  }

  /** Decides until nothing is left to decide. */
  settle(): Changes[] {
    const changes: Changes[] = [];
    while (needsEvaluation(this.state, this.#nowUnixMs)) {
      const { events } = evaluate(this.state, this.#nowUnixMs);
      changes.push(...this.append(events));
      if (events.length === 0) break;
    }
    return changes;
  }

  join(): Changes[] {
    this.#nodes += 1;
    return this.append([{ type: "NodeRegistered", node: describeNode(this.#nodes) }]);
  }

  apply(workload: WorkloadInput): Changes[] {
    return this.#command("workload.apply", { workloads: [workload] });
  }

  stop(workload: string): Changes[] {
    return this.#command("workload.stop", { workload });
  }

  remove(workload: string): Changes[] {
    return this.#command("workload.remove", { workload });
  }

  setNode(at: number, status: "ready" | "down"): Changes[] {
    const node = this.#pick([...this.state.nodes.values()], at);
    if (node === undefined || node.status === status) return [];
    const lost = [...node.live].map((id) => this.#finished(id, "lost"));
    return this.append([
      { type: "NodeStatusChanged", nodeId: node.id, status, reason: "for the test" },
      ...(status === "down" ? lost : []),
    ]);
  }

  /** The agent says that it runs. */
  run(at: number): Changes[] {
    const id = this.#pick(this.#live(), at);
    if (id === undefined) return [];
    return this.append([
      {
        type: "AllocationRunning",
        allocationId: id,
        startedAtUnixMs: this.#nowUnixMs,
        pid: 1,
        health: "none",
        message: null,
      },
    ]);
  }

  finish(at: number, outcome: "complete" | "failed" | "stopped"): Changes[] {
    const id = this.#pick(this.#live(), at);
    return id === undefined ? [] : this.append([this.#finished(id, outcome)]);
  }

  #live(): AllocationId[] {
    const { allocations } = this.state;
    return [...allocations.values()].filter(({ status }) => !isFinal(status)).map(({ id }) => id);
  }

  #finished(
    allocationId: AllocationId,
    outcome: "complete" | "failed" | "stopped" | "lost",
  ): ClusterEvent {
    return {
      type: "AllocationFinished",
      allocationId,
      outcome,
      exit: { kind: "code", code: outcome === "complete" ? 0 : 1 },
      startedAtUnixMs: null,
      finishedAtUnixMs: this.#nowUnixMs,
      message: null,
    };
  }

  #command(method: WriteMethod, params: object): Changes[] {
    this.#requests += 1;
    const requestId = `request-${this.#requests}` as RequestId;
    const result = handleCommand(
      this.state,
      method,
      { requestId, ...params } as ApiParams<typeof method>,
      { nowUnixMs: this.#nowUnixMs },
    );
    return result.ok ? this.append(result.events) : [];
  }

  #pick<T>(from: readonly T[], at: number): T | undefined {
    return from[at % Math.max(1, from.length)];
  }
}

export type { NodeId };
