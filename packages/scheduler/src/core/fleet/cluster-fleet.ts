import type { NodeId, WorkloadId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { Ledger, type NodeUsage } from "../place/ledger.ts";
import { liveNodesOf } from "../place/surroundings.ts";
import { LearnedPrices } from "../price/index.ts";
import type { PlacementChanges } from "../state/agenda.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { ClusterState, NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { roomOf } from "./node-room.ts";
import { PlacementEngine } from "./placement-engine.ts";

/**
 * The placement engine of a cluster's state, and of what one pass has taken and given back since. It
 * is made when a place is first looked for, so a replica that does not lead has none; from then on it
 * reads again only what has changed. Nothing of it is state: made anew it is the same.
 */
export class ClusterFleet {
  readonly state: ClusterState;
  readonly engine: PlacementEngine;
  readonly #prices = new LearnedPrices();
  readonly #changes: PlacementChanges = { nodes: new Set(), demand: new Set() };
  /** The pass it follows, and how much of what that did it has seen. */
  #ledger = new Ledger();
  #seen = 0;

  constructor(state: ClusterState) {
    this.state = state;
    this.engine = new PlacementEngine(this.#prices.current);
    const { nodes, workloads, agenda } = state;
    // In their order, because then each one is appended.
    const ordered = [...nodes.values()].sort((a, b) => byCodeUnit(a.id, b.id));
    for (const node of ordered) this.#read(node.id);
    for (const workload of workloads.values()) this.#prices.note(workload);
    agenda.placement = this.#changes;
    this.#reprice();
  }

  /** Comes to what the state holds now, less what the pass's ledger has taken of it. */
  follow(ledger: Ledger): void {
    const { nodes, demand } = this.#changes;
    if (ledger !== this.#ledger) {
      const left = this.#ledger;
      this.#ledger = ledger;
      this.#seen = 0;
      for (const id of left.changes) this.#read(id);
    }
    for (const id of nodes) this.#read(id);
    nodes.clear();
    for (; this.#seen < ledger.changes.length; this.#seen += 1) {
      this.#read(ledger.changes[this.#seen] as NodeId);
    }
    for (const id of demand) this.#noteDemand(id);
    demand.clear();
    this.#reprice();
  }

  recordAt(slot: number): NodeRecord {
    const record = this.state.nodes.get(this.engine.fleet.idAt(slot));
    assert(record, `slot ${slot} has a node that the cluster has not`);
    return record;
  }

  usageOf(node: NodeRecord): NodeUsage {
    return this.#ledger.usageOf(node);
  }

  slotOf(id: NodeId): number {
    const slot = this.engine.fleet.slotOf(id);
    assert(slot !== undefined, `node ${id} has no slot`);
    return slot;
  }

  /** The slots on which something of a workload lives; those with several, as often. */
  *slotsOf(workload: WorkloadRecord | undefined): Generator<number> {
    for (const id of liveNodesOf(this.state, workload)) yield this.slotOf(id);
  }

  #read(id: NodeId): void {
    const node = this.state.nodes.get(id);
    if (node) this.engine.setNode(node.description, roomOf(node, this.#ledger.usageOf(node)));
    else this.engine.removeNode(id);
  }

  #noteDemand(id: WorkloadId): void {
    const workload = this.state.workloads.get(id);
    if (workload) this.#prices.note(workload);
    else this.#prices.forget(id);
  }

  #reprice(): void {
    const { engine } = this;
    if (this.#prices.refresh(engine.capacity.current)) engine.reprice(this.#prices.current);
  }
}

const fleets = new WeakMap<ClusterState, ClusterFleet>();

/** The fleet of a state, as the pass that keeps this ledger sees it. */
export function fleetOf(state: ClusterState, ledger: Ledger): ClusterFleet {
  let fleet = fleets.get(state);
  if (fleet === undefined) fleets.set(state, (fleet = new ClusterFleet(state)));
  fleet.follow(ledger);
  return fleet;
}
