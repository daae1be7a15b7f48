import {
  type AllocationId,
  type Grant,
  type Headroom,
  headroomDimensions,
  limits,
  type RebalanceMove,
  type Recovered,
  type WorkloadId,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { billionthsOf, type RoomSurvey, unitsOf } from "../room/room-survey.ts";
import { surveyNodes } from "../room/survey-nodes.ts";
import type {
  AllocationRecord,
  ClusterState,
  NodeRecord,
  WorkloadRecord,
} from "../state/cluster-state.ts";
import type { NodeUsage } from "../state/node-usage.ts";
import { Scratch } from "../whatif/scratch.ts";
import { allowsMoves, budgetRefusal, isSettled } from "./move-refusal.ts";
import { commitMove, commitPlacement, type Move } from "./try-move.ts";

/** A plan in the making: the moves so far are made on a scratch state, and what they gain is known. */
export class Draft {
  readonly scratch: Scratch;
  readonly survey: RoomSurvey;
  readonly prices: readonly number[];
  readonly moves: RebalanceMove[] = [];
  readonly #movesMax: number;
  /** Whether a workload may do without one for a moment. Moves are made one after the other. */
  readonly #spareable = new Map<WorkloadId, boolean>();
  readonly #moved = new Set<AllocationId>();
  #trials = 0;

  private constructor(scratch: Scratch, survey: RoomSurvey, movesMax: number) {
    this.scratch = scratch;
    this.survey = survey;
    this.prices = survey.prices();
    this.#movesMax = movesMax;
  }

  /** Measures every node; yields between parts of the work. */
  static *begin(state: ClusterState, nowUnixMs: number, movesMax: number): Generator<void, Draft> {
    const scratch = new Scratch(state, nowUnixMs);
    yield;
    return new Draft(scratch, yield* surveyNodes(scratch.state), movesMax);
  }

  get state(): ClusterState {
    return this.scratch.state;
  }

  get movesLeft(): number {
    return this.#movesMax - this.moves.length;
  }

  get hasTrials(): boolean {
    return this.#trials < limits.rebalanceTrialsMax;
  }

  /** Counts a trial; false when there were as many as there may be. */
  countTrial(): boolean {
    this.#trials += 1;
    return this.#trials <= limits.rebalanceTrialsMax;
  }

  /** Whether the allocation may be moved, and was not put where it is by this plan. */
  isMovable(allocation: AllocationRecord): boolean {
    const workload = this.state.workloads.get(allocation.workloadId);
    if (!workload || this.#moved.has(allocation.id)) return false;
    return isSettled(workload, allocation) && this.#maySpareOne(workload);
  }

  #maySpareOne(workload: WorkloadRecord): boolean {
    const known = this.#spareable.get(workload.id);
    if (known !== undefined) return known;
    const may = allowsMoves(workload) && budgetRefusal(this.state, workload) === null;
    this.#spareable.set(workload.id, may);
    return may;
  }

  /** Live allocations that may be moved. */
  countMovable(): number {
    let movable = 0;
    for (const allocation of this.state.allocations.values()) {
      if (allocation.status === "running" && this.isMovable(allocation)) movable += 1;
    }
    return movable;
  }

  /** What is stranded now, in the units of `prices`. */
  get strandedUnits(): number {
    return this.survey.strandedUnits(this.prices);
  }

  /** What is stranded on one node. */
  unitsOn({ id }: NodeRecord): number {
    return unitsOf(this.survey.roomOf(id)?.leftOver ?? [], this.prices);
  }

  /** What would be, with this usage. */
  unitsIf(node: NodeRecord, usage: NodeUsage): number {
    return unitsOf(this.survey.look(node, usage).leftOver, this.prices);
  }

  /** What a grant is of the cluster. */
  unitsOf(granted: Grant): number {
    return this.survey.unitsOfGrant(granted, this.prices);
  }

  headroom(): Headroom {
    return this.survey.headroom();
  }

  /** Makes the move, and writes it down with what it gained. */
  take(move: Move): void {
    const { allocation, placed } = move;
    const { id, workloadId, index, nodeName: from, nodeId: fromId } = allocation;
    const before = { units: this.strandedUnits, amounts: this.survey.stranded() };
    commitMove(this.scratch, move);
    this.#moved.add(placed.allocationId);
    this.#refresh();
    const amounts = this.survey.stranded();
    const to = this.state.nodes.get(placed.nodeId);
    assert(to, `no node ${placed.nodeId}`);
    this.moves.push({
      allocation: id,
      workload: workloadId,
      index,
      from,
      fromId,
      to: to.description.name,
      toId: to.id,
      recovered: recoveredOf(before.amounts, amounts),
      gain: billionthsOf(before.units) - billionthsOf(this.strandedUnits),
    });
  }

  /** Gives an index that waits the place that was found for it. */
  place(placed: Move["placed"]): void {
    commitPlacement(this.scratch, placed);
    this.#refresh();
  }

  #refresh(): void {
    const { touchedNodes, state } = this.scratch;
    for (const id of touchedNodes) {
      const node = state.nodes.get(id);
      if (node) this.survey.set(node);
    }
    this.scratch.forgetTouched();
  }
}

function recoveredOf(before: readonly number[], after: readonly number[]): Recovered {
  const entries = headroomDimensions.map(
    (dimension, at) => [dimension, (before[at] ?? 0) - (after[at] ?? 0)] as const,
  );
  return Object.fromEntries(entries) as Recovered;
}
