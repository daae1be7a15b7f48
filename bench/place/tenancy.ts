import {
  allocationId,
  type ClusterEvent,
  type Grant,
  type NodeDescription,
  type PlacementExplanation,
  workloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import type { NodeRecord, Victim } from "@berth/scheduler/placement";
import { applyEntry, type ClusterState, createState } from "@berth/scheduler/state";
import { NOWHERE } from "./engine.ts";

const TERM = 1;
const NOW_UNIX_MS = Date.UTC(2026, 0, 1);
/** What runs has run for up to so long, every allocation for another time. */
const RAN_SECONDS_MAX = 3_600;

/** A cluster's state, kept by events as the scheduler keeps its own: who may be evicted is read from it. */
export class Tenancy {
  readonly state: ClusterState = createState();
  readonly nowUnixMs = NOW_UNIX_MS;
  readonly #descriptions: readonly NodeDescription[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #started = new Map<string, number>();
  /** The scenario's number of each allocation, by the state's. */
  readonly #allocations: number[] = [];

  constructor(descriptions: readonly NodeDescription[]) {
    this.#descriptions = descriptions;
    this.#numbers = new Map(descriptions.map(({ nodeId }, number) => [nodeId, number]));
    const clusterId = "bench" as ClusterState["clusterId"] & string;
    this.#append([
      { type: "LeaderStarted", clusterId, term: TERM, leader: "bench", version: "bench" },
    ]);
  }

  join(number: number): NodeRecord {
    const node = this.#descriptions[number];
    if (node === undefined) throw new RangeError(`no node ${number}`);
    this.#append([{ type: "NodeRegistered", node }]);
    const record = this.state.nodes.get(node.nodeId);
    if (record === undefined) throw new RangeError(`node ${number} has not joined`);
    return record;
  }

  submit(spec: WorkloadSpec): void {
    const id = workloadId(spec.project, spec.name);
    if (this.state.workloads.has(id)) return;
    this.#append([{ type: "WorkloadApplied", workloadId: id, version: 1, spec }]);
  }

  /** Allocation number `allocation` of the scenario runs on the node from now on. */
  start(allocation: number, spec: WorkloadSpec, node: NodeRecord, granted: Grant): void {
    const id = workloadId(spec.project, spec.name);
    const index = this.#started.get(id) ?? 0;
    this.#started.set(id, index + 1);
    const number = this.state.nextAllocationNumber;
    this.#allocations[number] = allocation;
    const ranSeconds = allocation % RAN_SECONDS_MAX;
    this.#append([
      {
        type: "AllocationPlaced",
        allocationId: allocationId(number),
        workloadId: id,
        workloadVersion: 1,
        index,
        attempt: 1,
        nodeId: node.id,
        granted,
        why: whyOn(node),
      },
      {
        type: "AllocationRunning",
        allocationId: allocationId(number),
        startedAtUnixMs: NOW_UNIX_MS - 1_000 * ranSeconds,
        pid: 1,
        health: "none",
        message: null,
      },
    ]);
  }

  /** They are gone, and `places` says so. */
  evict(victims: readonly Victim[], places: Int32Array): void {
    for (const { id, number } of victims) {
      this.#append([
        {
          type: "AllocationFinished",
          allocationId: id,
          outcome: "stopped",
          exit: null,
          startedAtUnixMs: null,
          finishedAtUnixMs: NOW_UNIX_MS,
          message: null,
        },
      ]);
      places[this.#allocations[number] ?? 0] = NOWHERE;
    }
  }

  /** The node's number in the scenario. */
  numberOf({ id }: NodeRecord): number {
    return this.#numbers.get(id) ?? NOWHERE;
  }

  #append(events: ClusterEvent[]): void {
    const entry = { v: 2 as const, term: TERM, atUnixMs: NOW_UNIX_MS, previous: "", events };
    applyEntry(this.state, this.state.seq + 1, entry);
  }
}

function whyOn({ id, description }: NodeRecord): PlacementExplanation {
  const chosen = { nodeId: id, nodeName: description.name, score: 0, terms: {} };
  return { nodesTotal: 1, nodesFeasible: 1, candidates: [chosen] };
}
