import {
  type AllocationReport,
  type ApiParams,
  type ClusterEvent,
  LogEntry,
  type NodeDescription,
  type NodeId,
  workloadId,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { type CommandResult, handleCommand, type WriteMethod } from "../command/handle-command.ts";
import { evaluate } from "../evaluate/evaluate.ts";
import { observeReports } from "../node/observe-reports.ts";
import { registerNode } from "../node/register-node.ts";
import { applyEntry } from "../state/apply-entry.ts";
import type { Changes } from "../state/changes.ts";
import {
  type AllocationRecord,
  type ClusterState,
  createState,
  type WorkloadRecord,
} from "../state/cluster-state.ts";
import { entry, leaderStarted, nodeDescription, requestId, T0_UNIX_MS } from "./builders.ts";

const PASSES_MAX = 10_000;

/** A leader's core without its shell: what is decided is applied at once, and kept as a log. */
export class TestCluster {
  readonly state: ClusterState = createState();
  readonly log: LogEntry[] = [];
  nowUnixMs = T0_UNIX_MS;
  private requests = 0;

  constructor() {
    this.append([leaderStarted(1)]);
  }

  append(events: ClusterEvent[]): Changes | null {
    if (events.length === 0) return null;
    const term = events.reduce(
      (max, e) => (e.type === "LeaderStarted" ? e.term : max),
      this.state.term,
    );
    // Through JSON and its schema, as the log does it.
    const appended = LogEntry.parse(
      JSON.parse(JSON.stringify(entry(term, this.nowUnixMs, events))),
    );
    this.log.push(appended);
    return applyEntry(this.state, this.state.seq + 1, appended);
  }

  /** Evaluates until nothing more follows; returns what did. */
  settle(): ClusterEvent[] {
    const all: ClusterEvent[] = [];
    for (let i = 0; i < PASSES_MAX; i += 1) {
      const { events, more } = evaluate(this.state, this.nowUnixMs);
      this.append(events);
      all.push(...events);
      if (events.length === 0 && !more) return all;
    }
    assert(false, "evaluation reaches no fixed point");
  }

  join(count: number, describe: (n: number) => NodeDescription = nodeDescription): this {
    const from = this.state.nodes.size;
    for (let n = from; n < from + count; n += 1) this.hello(describe(n));
    return this;
  }

  hello(description: NodeDescription, allocations: AllocationReport[] = [], complete = true): this {
    const { nodeId } = description;
    const hello = {
      v: 1,
      nodeId,
      description,
      clusterId: this.state.clusterId,
      applied: null,
      allocations,
      complete,
    } as const;
    this.append(registerNode(this.state, hello, this.nowUnixMs).events);
    return this;
  }

  apply(spec: WorkloadSpec): WorkloadRecord {
    const id = workloadId(spec.project, spec.name);
    const version = (this.state.workloads.get(id)?.version ?? 0) + 1;
    this.append([{ type: "WorkloadApplied", workloadId: id, version, spec }]);
    this.settle();
    return this.workload(id);
  }

  command<M extends WriteMethod>(
    method: M,
    params: Omit<ApiParams<M>, "requestId">,
  ): CommandResult {
    this.requests += 1;
    const request = { ...params, requestId: requestId(this.requests) } as ApiParams<M>;
    const result = handleCommand(this.state, method, request, { nowUnixMs: this.nowUnixMs });
    if (result.ok) this.append(result.events);
    return result;
  }

  workload(id: WorkloadId | string): WorkloadRecord {
    const full = id.includes("/") ? id : `default/${id}`;
    const workload = this.state.workloads.get(full as WorkloadId);
    assert(workload, `no workload ${full}`);
    return workload;
  }

  /** Live allocations of a workload by index. */
  live(id: string): AllocationRecord[] {
    return [...this.workload(id).slots.values()]
      .sort((a, b) => a.index - b.index)
      .flatMap((slot) => {
        const allocation = slot.live === null ? undefined : this.state.allocations.get(slot.live);
        return allocation ? [allocation] : [];
      });
  }

  only(id: string): AllocationRecord {
    const [allocation, ...others] = this.live(id);
    assert(allocation && others.length === 0, `${id} has not exactly one live allocation`);
    return allocation;
  }

  report(nodeId: NodeId, reports: AllocationReport[]): this {
    this.append(observeReports(this.state, nodeId, reports, this.nowUnixMs).events);
    return this;
  }

  /** The agents start everything that is placed. */
  startAll(health: "none" | "starting" | "healthy" = "none"): this {
    for (const allocation of this.state.allocations.values()) {
      if (allocation.status === "placed") {
        // As `Scratch` has it: how long something ran decides who is preempted.
        const startedAtUnixMs = allocation.startedAtUnixMs ?? this.nowUnixMs;
        this.report(allocation.nodeId, [running(allocation, { health, startedAtUnixMs })]);
      }
    }
    return this;
  }

  /** The agents end everything that was asked to stop. */
  endStopping(): this {
    for (const allocation of this.state.allocations.values()) {
      if (allocation.status === "stopping") this.end(allocation, "stopped");
    }
    return this;
  }

  end(allocation: AllocationRecord, outcome: "complete" | "failed" | "stopped" | "lost"): this {
    return this.report(allocation.nodeId, [finished(allocation, outcome, this.nowUnixMs)]);
  }

  /** Lets agents and scheduler answer each other until nothing moves. */
  converge(): this {
    for (let i = 0; i < PASSES_MAX; i += 1) {
      this.settle();
      const { seq } = this.state;
      this.startAll().endStopping();
      if (this.state.seq === seq) return this;
    }
    assert(false, "the cluster does not converge");
  }
}

export function running(
  allocation: AllocationRecord,
  {
    health = "none",
    startedAtUnixMs = allocation.startedAtUnixMs ?? T0_UNIX_MS,
  }: { health?: "none" | "starting" | "healthy" | "unhealthy"; startedAtUnixMs?: number } = {},
): AllocationReport {
  return {
    state: "running",
    allocationId: allocation.id,
    startedAtUnixMs,
    pid: 1_000,
    health,
    message: null,
  };
}

export function finished(
  { id }: AllocationRecord,
  outcome: "complete" | "failed" | "stopped" | "lost",
  finishedAtUnixMs: number,
): AllocationReport {
  return {
    state: "finished",
    allocationId: id,
    outcome,
    exit: { kind: "code", code: outcome === "failed" ? 1 : 0 },
    startedAtUnixMs: T0_UNIX_MS,
    finishedAtUnixMs,
    message: null,
  };
}
