import type { Grant, NodeId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { BestFirst } from "../place/best-first.ts";
import { firstLack } from "../place/check-node.ts";
import { grantOn } from "../place/grant.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { type LiveSurroundings, NO_SURROUNDINGS, valueOf } from "../place/surroundings.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import {
  addGrant,
  copyUsage,
  type NodeUsage,
  subtractGrant,
  type UsageAccount,
} from "../state/node-usage.ts";
import { compareCosts, type EvictionCost } from "./eviction-cost.ts";
import { preemptLimits } from "./limits.ts";
import { NodeProblem } from "./node-problem.ts";
import type { VictimUnit, Victims } from "./victims.ts";

/** A place for one more, once those who must make room for it have ended. */
export interface Seat {
  readonly node: NodeRecord;
  readonly granted: Grant;
  /** Empty where there is room, or will be once those who are ending already have ended. */
  readonly units: readonly VictimUnit[];
  readonly cost: EvictionCost;
  /** Whether it is certain that no other node costs less. */
  readonly isExact: boolean;
}

export interface SeatQuestion {
  readonly request: PlacementRequest;
  readonly nodes: Iterable<NodeRecord>;
  readonly victims: Victims;
  /** What is taken on a node once everybody who is ending for others has ended. */
  readonly usageThen: (node: NodeRecord) => NodeUsage;
  readonly surroundings: LiveSurroundings | null;
}

/** What is known of a node: what a seat there costs at least, or what it costs. */
interface Bid {
  readonly node: NodeRecord;
  readonly cost: EvictionCost;
  readonly version: number;
  /** Null while only a bound is known. */
  readonly units: readonly VictimUnit[] | null;
  readonly isExact: boolean;
}

/**
 * Seats for one more of a request after another, each the cheapest there is: best first over bounds
 * (A*, Hart, Nilsson, Raphael 1968). A node is only searched when its bound is the least of all; when
 * the least is a cost, no other node can be cheaper. Ties go to the smaller node id.
 */
export class SeatSearch {
  readonly #question: SeatQuestion;
  readonly #bids = new BestFirst<Bid>(isBefore);
  readonly #versions = new Map<NodeId, number>();
  readonly #accounts = new Map<NodeId, UsageAccount>();
  readonly #nodes: ReadonlySet<NodeRecord>;
  #stepsLeft: number = preemptLimits.stepsMax;
  /** How many nodes were searched, beyond a bound. */
  searched = 0;

  constructor(question: SeatQuestion) {
    this.#question = question;
    this.#nodes = new Set(question.nodes);
    for (const node of this.#nodes) this.#consider(node);
  }

  /** The cheapest seat; from now on it is taken, and its victims are gone. Null: there is none. */
  next(allocationNumber: number): Seat | null {
    for (;;) {
      const bid = this.#bids.pop();
      if (!bid) return null;
      if (bid.version !== this.#versionOf(bid.node)) continue;
      if (bid.units === null || !this.#isAffordable(bid.units)) this.#search(bid.node);
      else if (this.#isStillAllowed(bid.node)) {
        return this.#take({ ...bid, units: bid.units }, allocationNumber);
      }
    }
  }

  #consider(node: NodeRecord): void {
    this.#versions.set(node.id, this.#versionOf(node) + 1);
    const least = this.#problemOf(node)?.least() ?? null;
    if (least) this.#bid(node, least, null, true);
  }

  #search(node: NodeRecord): void {
    this.searched += 1;
    const problem = this.#problemOf(node);
    if (!problem) return;
    const found = problem.cheapest(Math.min(preemptLimits.nodeStepsMax, this.#stepsLeft));
    this.#stepsLeft = Math.max(0, this.#stepsLeft - found.steps);
    if (found.units) this.#bid(node, found.cost, found.units, found.isExact);
  }

  #bid(
    node: NodeRecord,
    cost: EvictionCost,
    units: readonly VictimUnit[] | null,
    isExact: boolean,
  ): void {
    this.#bids.push({ node, cost, version: this.#versionOf(node), units, isExact });
  }

  #problemOf(node: NodeRecord): NodeProblem | null {
    const { request, victims, surroundings } = this.#question;
    const usage = this.#usageOf(node);
    return NodeProblem.of(request, node, usage, victims, surroundings ?? NO_SURROUNDINGS);
  }

  /** Other seats may have used up a budget, or what may be taken back, since. */
  #isAffordable(units: readonly VictimUnit[]): boolean {
    const { victims } = this.#question;
    if (!victims.areAllowed(units)) return false;
    return units.every(({ workload }) => {
      const claims = units.filter((unit) => unit.workload === workload);
      const sum = claims.reduce((all, unit) => all + unit.claims, 0);
      return sum <= victims.budgetOf(workload);
    });
  }

  /** Other seats may have taken all that its value of an attribute may have. */
  #isStillAllowed(node: NodeRecord): boolean {
    const { surroundings, request } = this.#question;
    if (surroundings === null) return true;
    return request.distinct.every(({ by, max }) => surroundings.ownAt(by, valueOf(node, by)) < max);
  }

  #take(
    { node, units, cost, isExact }: Bid & { units: readonly VictimUnit[] },
    number: number,
  ): Seat {
    const { victims, request, surroundings } = this.#question;
    const changed = new Set([node]);
    victims.evict(units);
    for (const unit of units) {
      for (const victim of unit.victims) {
        subtractGrant(this.#accountOf(victim.node), victim.granted);
        if (this.#nodes.has(victim.node)) changed.add(victim.node);
      }
    }
    const account = this.#accountOf(node);
    const lack = firstLack(request, node, account, surroundings ?? NO_SURROUNDINGS);
    assert(lack === null, `${node.id} was made room on and lacks ${lack?.code}`);
    const granted = grantOn(request, node, account, number);
    addGrant(account, granted);
    surroundings?.add(node);
    for (const one of changed) this.#consider(one);
    return { node, granted, units, cost, isExact };
  }

  #usageOf(node: NodeRecord): NodeUsage {
    return this.#accounts.get(node.id) ?? this.#question.usageThen(node);
  }

  #accountOf(node: NodeRecord): UsageAccount {
    const known = this.#accounts.get(node.id);
    if (known) return known;
    const account = copyUsage(this.#question.usageThen(node));
    this.#accounts.set(node.id, account);
    return account;
  }

  #versionOf({ id }: NodeRecord): number {
    return this.#versions.get(id) ?? 0;
  }
}

/** Of equally costly bids a bound comes first: what it stands for may be the better one. */
function isBefore(a: Bid, b: Bid): boolean {
  const order = compareCosts(a.cost, b.cost);
  if (order !== 0) return order < 0;
  const isBound = Number(a.units !== null) - Number(b.units !== null);
  return isBound !== 0 ? isBound < 0 : byCodeUnit(a.node.id, b.node.id) < 0;
}
