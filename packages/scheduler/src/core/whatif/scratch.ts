import {
  allocationNumber,
  type AllocationId,
  type ClusterEvent,
  LOG_VERSION,
  type NodeId,
  type WorkloadId,
} from "@berth/protocol";
import { evaluate } from "../evaluate/evaluate.ts";
import { applyEntry } from "../state/apply-entry.ts";
import { type AllocationRecord, type ClusterState, isFinal } from "../state/cluster-state.ts";
import { forkState } from "../state/fork-state.ts";

/**
 * A fork of the state on which things are tried through the fold and the evaluation that would do
 * them. Its agents are prompt: what is placed runs and is healthy at once, what is asked to stop has
 * ended. Those of nodes that do not answer now say nothing, and no task ends by itself.
 */
export class Scratch {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  /** Nodes and workloads that changed since `forgetTouched`. */
  readonly touchedNodes = new Set<NodeId>();
  readonly touchedWorkloads = new Set<WorkloadId>();
  /** Passes of the evaluation so far. */
  passes = 0;
  /** Allocations that an agent has something to say of. */
  readonly #unanswered = new Set<AllocationId>();

  constructor(state: ClusterState, nowUnixMs: number) {
    this.state = forkState(state);
    this.nowUnixMs = nowUnixMs;
    for (const allocation of this.state.allocations.values()) {
      if (isUnanswered(allocation)) this.#unanswered.add(allocation.id);
    }
  }

  apply(events: readonly ClusterEvent[]): void {
    if (events.length === 0) return;
    const { state, nowUnixMs } = this;
    const { term } = state;
    const changes = applyEntry(state, state.seq + 1, {
      v: LOG_VERSION,
      term,
      atUnixMs: nowUnixMs,
      previous: "",
      events: [...events],
    });
    for (const id of changes.nodes) this.touchedNodes.add(id);
    for (const id of changes.workloads) this.touchedWorkloads.add(id);
    for (const event of events) {
      if (event.type === "AllocationPlaced" || event.type === "AllocationStopRequested") {
        this.#unanswered.add(event.allocationId);
      }
    }
  }

  forgetTouched(): void {
    this.touchedNodes.clear();
    this.touchedWorkloads.clear();
  }

  /**
   * Lets scheduler and agents answer each other until nothing moves; yields between parts of the
   * work. False when `passesMax` passes were not enough.
   */
  *settle(passesMax: number): Generator<void, boolean> {
    const last = this.passes + passesMax;
    while (this.passes < last) {
      this.passes += 1;
      const { events, more } = evaluate(this.state, this.nowUnixMs);
      this.apply(events);
      yield;
      if (events.length > 0 || more) continue;
      const answers = this.#answers();
      if (answers.length === 0) return true;
      this.apply(answers);
    }
    return false;
  }

  #answers(): ClusterEvent[] {
    const { state, nowUnixMs } = this;
    const starts: ClusterEvent[] = [];
    const ends: ClusterEvent[] = [];
    const ids = [...this.#unanswered].sort((a, b) => allocationNumber(a) - allocationNumber(b));
    for (const id of ids) {
      const allocation = state.allocations.get(id);
      if (!allocation || isFinal(allocation.status)) this.#unanswered.delete(id);
      if (!allocation || !isUnanswered(allocation)) continue;
      if (state.nodes.get(allocation.nodeId)?.status !== "ready") continue;
      this.#unanswered.delete(id);
      if (allocation.status === "stopping") ends.push(stopped(allocation, nowUnixMs));
      else starts.push(startsWell(allocation, nowUnixMs));
    }
    return [...starts, ...ends];
  }
}

function isUnanswered({ status, health }: AllocationRecord): boolean {
  return (
    status === "placed" || status === "stopping" || (status === "running" && health === "starting")
  );
}

/** What an agent says of an allocation that runs and does what it is for. */
export function startsWell(
  { id, spec, startedAtUnixMs }: Pick<AllocationRecord, "id" | "spec" | "startedAtUnixMs">,
  nowUnixMs: number,
): ClusterEvent {
  return {
    type: "AllocationRunning",
    allocationId: id,
    startedAtUnixMs: startedAtUnixMs ?? nowUnixMs,
    pid: null,
    health: spec.kind === "batch" || spec.check === null ? "none" : "healthy",
    message: null,
  };
}

/** What an agent says of one that it was told to stop. */
export function stopped(
  { id, startedAtUnixMs }: Pick<AllocationRecord, "id" | "startedAtUnixMs">,
  nowUnixMs: number,
): ClusterEvent {
  return {
    type: "AllocationFinished",
    allocationId: id,
    outcome: "stopped",
    exit: null,
    startedAtUnixMs,
    finishedAtUnixMs: nowUnixMs,
    message: null,
  };
}
