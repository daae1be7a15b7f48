import { type RejectionCode, rejectionCodes } from "@berth/protocol";
import { firstLack } from "../place/check-node.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { Surroundings } from "../place/surroundings.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import {
  copyUsage,
  type NodeUsage,
  subtractGrant,
  type UsageAccount,
} from "../state/node-usage.ts";
import { cheapestCover, type CoverProblem, leastCost } from "./cheapest-cover.ts";
import { compareCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";
import { type Spot, spotsOf } from "./spots.ts";
import type { VictimUnit, Victims } from "./victims.ts";

export interface CheapestUnits {
  /** Null when no victims make room. */
  readonly units: readonly VictimUnit[] | null;
  readonly cost: EvictionCost;
  readonly isExact: boolean;
  readonly steps: number;
}

/** Steps that somebody's end can change the answer of; the others are about what a node is. */
const healable: ReadonlySet<RejectionCode> = new Set(
  rejectionCodes.filter(
    (code) =>
      ["allocations.max", "gpu.share", "port.static", "port.range"].includes(code) ||
      code.endsWith(".free"),
  ),
);

/** Whom to evict on one node so that a request fits there. */
export class NodeProblem {
  readonly #request: PlacementRequest;
  readonly #node: NodeRecord;
  readonly #usage: NodeUsage;
  readonly #surroundings: Surroundings;
  readonly #units: readonly VictimUnit[];
  readonly #problems: readonly CoverProblem[];

  /** Null when nobody's end would make it fit. */
  static of(
    request: PlacementRequest,
    node: NodeRecord,
    usage: NodeUsage,
    victims: Victims,
    surroundings: Surroundings,
  ): NodeProblem | null {
    const lack = firstLack(request, node, usage, surroundings);
    if (lack && !healable.has(lack.code)) return null;
    const units = lack === null ? [] : victims.on(node);
    const problem = new NodeProblem(request, node, usage, surroundings, units, victims);
    return lack === null || problem.#problems.length > 0 ? problem : null;
  }

  private constructor(
    request: PlacementRequest,
    node: NodeRecord,
    usage: NodeUsage,
    surroundings: Surroundings,
    units: readonly VictimUnit[],
    victims: Victims,
  ) {
    this.#request = request;
    this.#node = node;
    this.#usage = usage;
    this.#surroundings = surroundings;
    this.#units = units;
    this.#problems = this.#problemsFor(victims);
  }

  /** What a seat here costs at least; null when there can be none. */
  least(): EvictionCost | null {
    if (this.#units.length === 0) return NO_COST;
    let least: EvictionCost | null = null;
    for (const problem of this.#problems) {
      const cost = leastCost(problem);
      if (cost && (least === null || compareCosts(cost, least) < 0)) least = cost;
    }
    return least;
  }

  cheapest(stepsMax: number): CheapestUnits {
    if (this.#units.length === 0) return { units: [], cost: NO_COST, isExact: true, steps: 0 };
    let best: { readonly chosen: readonly number[]; readonly cost: EvictionCost } | null = null;
    let isExact = true;
    let steps = 0;
    for (const problem of this.#problems) {
      const found = cheapestCover(problem, stepsMax - steps);
      steps += found.steps;
      isExact &&= found.isExact;
      if (found.chosen === null) continue;
      const order = best === null ? -1 : compareCosts(found.cost, best.cost);
      if (order < 0 || (order === 0 && best && comesFirst(found.chosen, best.chosen))) {
        best = { chosen: found.chosen, cost: found.cost };
      }
    }
    if (best === null) return { units: null, cost: NO_COST, isExact, steps };
    const units = best.chosen.flatMap((at) => this.#units[at] ?? []);
    return { units, cost: best.cost, isExact, steps };
  }

  #problemsFor(victims: Victims): CoverProblem[] {
    const units = this.#units;
    if (units.length === 0) return [];
    const grants = units.map((unit) => this.#grantsOf(unit));
    const bare = this.#usageWithout(units.map((_, at) => at));
    if (firstLack(this.#request, this.#node, bare, this.#surroundings)) return [];
    const occupied = { node: this.#node, usage: this.#usage, bare, grants: grants.flat() };
    const workloads = [
      ...new Set(units.filter(({ claims }) => claims > 0).map((one) => one.workload)),
    ];
    const budgets = workloads.map((workload) => victims.budgetOf(workload));
    const fits = (chosen: readonly number[]) =>
      firstLack(this.#request, this.#node, this.#usageWithout(chosen), this.#surroundings) === null;
    return spotsOf(this.#request, occupied).map(({ needs, isAdditive }: Spot) => ({
      units: units.map(({ cost, workload, claims }, at) => ({
        cost,
        frees: needs.map(({ freedBy }) =>
          (grants[at] ?? []).reduce((sum, grant) => sum + freedBy(grant), 0),
        ),
        claims: claims > 0 ? [{ budget: workloads.indexOf(workload), count: claims }] : [],
      })),
      needs: needs.map(({ missing }) => missing),
      budgets,
      isAdditive,
      fits,
    }));
  }

  #grantsOf({ victims }: VictimUnit) {
    return victims.flatMap(({ node, granted }) => (node === this.#node ? [granted] : []));
  }

  #usageWithout(chosen: readonly number[]): UsageAccount {
    const usage = copyUsage(this.#usage);
    for (const at of chosen) {
      const unit = this.#units[at];
      for (const grant of unit ? this.#grantsOf(unit) : []) subtractGrant(usage, grant);
    }
    return usage;
  }
}

/** Of two ascending lists that are as good, the one with the earlier unit where they differ. */
function comesFirst(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((unit, i) => unit !== b[i]);
  const other = b[at];
  return at >= 0 && (other === undefined || (a[at] ?? 0) < other);
}
