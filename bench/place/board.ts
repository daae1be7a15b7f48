import type { Grant, NodeDescription, NodeId, WorkloadSpec } from "@berth/protocol";
import {
  addGrant,
  type ClusterState,
  createState,
  LiveSurroundings,
  newNode,
  type NodeRecord,
  placementRequest,
  type PlacementRequest,
  subtractGrant,
} from "@berth/scheduler/placement";

/** What is there and what was granted of it, as the scheduler's state has it. */
export class Board {
  readonly state: ClusterState = createState();
  readonly #descriptions: readonly NodeDescription[];
  readonly #numbers: ReadonlyMap<NodeId, number>;
  readonly #grants: Grant[] = [];
  readonly #workloads = new Map<WorkloadSpec, PlacedWorkload>();

  constructor(descriptions: readonly NodeDescription[]) {
    this.#descriptions = descriptions;
    this.#numbers = new Map(descriptions.map(({ nodeId }, number) => [nodeId, number]));
  }

  join(number: number): void {
    const description = this.#descriptions[number];
    if (description === undefined) throw new RangeError(`no node ${number}`);
    this.state.nodes.set(description.nodeId, newNode(number + 1, description, 0));
  }

  leave(number: number): void {
    const id = this.#descriptions[number]?.nodeId;
    if (id === undefined || !this.state.nodes.delete(id)) throw new RangeError(`no node ${number}`);
  }

  /** The node's number in the scenario. */
  numberOf({ id }: NodeRecord): number {
    const number = this.#numbers.get(id);
    if (number === undefined) throw new RangeError(`no node ${id}`);
    return number;
  }

  take(allocation: number, node: NodeRecord, granted: Grant): void {
    addGrant(node.usage, granted);
    this.#grants[allocation] = granted;
  }

  release(allocation: number, number: number): void {
    const node = this.state.nodes.get(this.#descriptions[number]?.nodeId ?? ("" as NodeId));
    const granted = this.#grants[allocation];
    if (node === undefined || granted === undefined) {
      throw new RangeError(`no allocation ${allocation} on node ${number}`);
    }
    subtractGrant(node.usage, granted);
  }

  /** What is known of a workload that is placed in parts. */
  workload(spec: WorkloadSpec): PlacedWorkload {
    const known = this.#workloads.get(spec);
    if (known !== undefined) return known;
    const workload = this.newWorkload(spec);
    this.#workloads.set(spec, workload);
    return workload;
  }

  /** The same for a workload of which nothing runs. */
  newWorkload(spec: WorkloadSpec): PlacedWorkload {
    const request = placementRequest(spec);
    return { request, surroundings: new LiveSurroundings(this.state, request, []) };
  }
}

/** A workload's request, and where it runs as far as its rules ask. */
export interface PlacedWorkload {
  readonly request: PlacementRequest;
  readonly surroundings: LiveSurroundings;
}
