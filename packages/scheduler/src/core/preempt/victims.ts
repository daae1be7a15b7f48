import {
  type AllocationId,
  bandOf,
  type Grant,
  priorityBands,
  rulesOf,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { NO_RECLAIM, type ReclaimRights } from "../queue/reclaim.ts";
import { liveOf } from "../reconcile/reconcile-context.ts";
import {
  type AllocationRecord,
  type ClusterState,
  isAvailable,
  type NodeRecord,
  type WorkloadRecord,
} from "../state/cluster-state.ts";
import { addCosts, compareCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";

/** An allocation that may be stopped for others. */
export interface Victim {
  readonly id: AllocationId;
  readonly number: number;
  readonly node: NodeRecord;
  readonly granted: Grant;
  readonly isAvailable: boolean;
  readonly cost: EvictionCost;
}

/** Who is evicted together: one allocation, or all members of a gang wherever they are. */
export interface VictimUnit {
  readonly workload: WorkloadRecord;
  /** Taken back for its owner rather than preempted by a more important band. */
  readonly isReclaimed: boolean;
  readonly victims: readonly Victim[];
  readonly cost: EvictionCost;
  /** What it takes of its workload's disruption budget. */
  readonly claims: number;
}

/** What is asked of the state, and of the decisions that are not in it yet. */
export interface Scene {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  /** Asked to stop by a decision that is not in the state yet. */
  readonly isStopping: (id: AllocationId) => boolean;
  /** How many of a workload were placed by decisions that are not in the state yet. */
  readonly placedNow?: (id: WorkloadId) => number;
}

/**
 * Who may be evicted for a workload: what runs in a less important band and may be preempted, or what
 * is borrowed from its project; and is not ending anyway. What was placed and is not confirmed yet is left until it is: only then is somebody
 * certain to report its end.
 */
export class Victims {
  readonly #scene: Scene;
  readonly #band: number;
  /** Workloads that the preemptor must run beside: to evict them makes no room for it. */
  readonly #spared: ReadonlySet<WorkloadId>;
  readonly #reclaim: ReclaimRights;
  readonly #mayPreempt = new Map<WorkloadId, boolean>();
  readonly #units = new Map<AllocationId, VictimUnit>();
  readonly #gangs = new Map<WorkloadId, VictimUnit | null>();
  readonly #budgets = new Map<WorkloadId, number>();
  readonly #evicted = new Set<VictimUnit>();

  constructor(scene: Scene, preemptor: WorkloadSpec, reclaim: ReclaimRights = NO_RECLAIM) {
    this.#scene = scene;
    this.#reclaim = reclaim;
    const { preempts, colocate } = rulesOf(preemptor);
    this.#band = preempts ? bandOf(preemptor.priority) : Number.POSITIVE_INFINITY;
    this.#spared = new Set(colocate.map(({ workload }) => workload));
  }

  /** Whether anybody at all may be evicted. */
  get exist(): boolean {
    const { agenda, workloads } = this.#scene.state;
    for (const id of agenda.running) {
      const workload = workloads.get(id);
      if (workload && this.#mayEvict(workload)) return true;
    }
    return false;
  }

  /** The units with a victim on the node, cheapest first; of equal ones the newest first. */
  on(node: NodeRecord): VictimUnit[] {
    const units = new Set<VictimUnit>();
    for (const id of node.desired) {
      const unit = this.#unitOf(id);
      if (unit && !this.#evicted.has(unit)) units.add(unit);
    }
    const sorted = [...units].sort(
      (a, b) => compareCosts(a.cost, b.cost) || newestOf(b.victims) - newestOf(a.victims),
    );
    return this.#reclaim.allowed(sorted);
  }

  /** Whether these may still be evicted together, whatever was since. */
  areAllowed(units: readonly VictimUnit[]): boolean {
    return this.#reclaim.allowed(units).length === units.length;
  }

  /** How many more of the workload may become unavailable. */
  budgetOf(workload: WorkloadRecord): number {
    const known = this.#budgets.get(workload.id);
    if (known !== undefined) return known;
    const max = disruptionsMax(workload.spec);
    const budget =
      max === null ? Number.POSITIVE_INFINITY : Math.max(0, max - this.#unavailable(workload));
    this.#budgets.set(workload.id, budget);
    return budget;
  }

  /** From now on they count as gone, and one seat as taken. */
  evict(units: readonly VictimUnit[]): void {
    for (const unit of units) {
      this.#evicted.add(unit);
      this.#budgets.set(unit.workload.id, this.budgetOf(unit.workload) - unit.claims);
    }
    this.#reclaim.take(units);
  }

  #unitOf(id: AllocationId): VictimUnit | null {
    const known = this.#units.get(id);
    if (known) return known;
    const { state } = this.#scene;
    const allocation = state.allocations.get(id);
    const workload = allocation && state.workloads.get(allocation.workloadId);
    if (!workload || !this.#mayEvict(workload)) return null;
    if (workload.spec.placement?.gang) return this.#gangOf(workload);
    if (!this.#mayStop(allocation)) return null;
    const unit = this.#unitFrom(workload, [allocation]);
    this.#units.set(id, unit);
    return unit;
  }

  /** A gang that is being started or stopped is not touched: it would not end as a whole. */
  #gangOf(workload: WorkloadRecord): VictimUnit | null {
    const known = this.#gangs.get(workload.id);
    if (known !== undefined) return known;
    const members = [...workload.slots.values()].flatMap(
      (slot) => liveOf(this.#scene.state, slot) ?? [],
    );
    const isWhole = members.every((member) => this.#mayStop(member));
    const unit = isWhole ? this.#unitFrom(workload, members) : null;
    this.#gangs.set(workload.id, unit);
    return unit;
  }

  /** What is borrowed may be taken back whatever its band, and whether it is preemptible or not. */
  #mayEvict(workload: WorkloadRecord): boolean {
    if (this.#spared.has(workload.id)) return false;
    return this.#isLess(workload) || this.#reclaim.mayTakeFrom(workload);
  }

  #isLess({ id, spec }: WorkloadRecord): boolean {
    const known = this.#mayPreempt.get(id);
    if (known !== undefined) return known;
    const isLess = bandOf(spec.priority) > this.#band && rulesOf(spec).preemptible;
    this.#mayPreempt.set(id, isLess);
    return isLess;
  }

  #mayStop({ id, status }: AllocationRecord): boolean {
    return status === "running" && !this.#scene.isStopping(id);
  }

  #unitFrom(workload: WorkloadRecord, members: readonly AllocationRecord[]): VictimUnit {
    const victims = members.flatMap((member) => this.#victimFrom(workload, member) ?? []);
    const cost = victims.reduce((sum, victim) => addCosts(sum, victim.cost), NO_COST);
    const isBounded = disruptionsMax(workload.spec) !== null;
    const claims = isBounded ? victims.filter((victim) => victim.isAvailable).length : 0;
    return { workload, isReclaimed: !this.#isLess(workload), victims, cost, claims };
  }

  #victimFrom({ spec }: WorkloadRecord, member: AllocationRecord): Victim | null {
    const { state, nowUnixMs } = this.#scene;
    const node = state.nodes.get(member.nodeId);
    if (!node) return null;
    const sinceUnixMs = member.startedAtUnixMs ?? member.placedAtUnixMs;
    const ranMs = spec.kind === "batch" ? Math.max(0, nowUnixMs - sinceUnixMs) : 0;
    return {
      id: member.id,
      number: member.number,
      node,
      granted: member.granted,
      isAvailable: isAvailable(member),
      cost: {
        band: priorityBands.length - bandOf(spec.priority),
        weight: 1 + spec.priority,
        lostSeconds: Math.floor(ranMs / 1000),
        count: 1,
      },
    };
  }

  /**
   * Indexes that should serve and do not, or will not once this pass's decisions are applied: also
   * those that nobody has decided on yet.
   */
  #unavailable({ id, spec, slots, pending }: WorkloadRecord): number {
    const { state, isStopping, placedNow } = this.#scene;
    const wanted = spec.kind === "system" ? Number.POSITIVE_INFINITY : spec.count;
    let [serving, missing, done] = [0, 0, 0];
    for (const slot of slots.values()) {
      if (slot.index >= wanted) continue;
      const live = liveOf(state, slot);
      if (slot.done) done += 1;
      else if (live && isAvailable(live) && !isStopping(live.id)) serving += 1;
      else if (live) missing += 1;
    }
    if (spec.kind !== "system") return spec.count - done - serving;
    for (const { count, explanation } of pending) {
      // What waits for its turn, or for its predecessor, has a live one, which is counted above.
      const { reason } = explanation;
      if (reason !== "update" && reason !== "predecessor") missing += count;
    }
    return missing + (placedNow?.(id) ?? 0);
  }
}

/**
 * How many of a workload may be down for others' sake; null: no bound. A gang runs whole or not at
 * all, so that the pace of its updates says nothing about it.
 */
function disruptionsMax(spec: WorkloadSpec): number | null {
  if (spec.placement?.disruptionMaxUnavailable !== undefined) {
    return spec.placement.disruptionMaxUnavailable;
  }
  return spec.placement?.gang ? null : rulesOf(spec).disruptionMaxUnavailable;
}

function newestOf(victims: readonly Victim[]): number {
  return victims.reduce((newest, { number }) => Math.max(newest, number), 0);
}
