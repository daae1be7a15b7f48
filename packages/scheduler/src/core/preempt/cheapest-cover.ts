import { CoverSearch } from "./cover-search.ts";
import { addCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";

/** What is evicted together: one allocation, or all members of a gang. */
export interface CoverUnit {
  readonly cost: EvictionCost;
  /** How much of each need it frees. */
  readonly frees: readonly number[];
  /** What it takes of budgets. */
  readonly claims: readonly Claim[];
}

export interface Claim {
  /** A position in `CoverProblem.budgets`. */
  readonly budget: number;
  readonly count: number;
}

/** Which units to evict so that something fits where it does not. */
export interface CoverProblem {
  /**
   * In order of cost. Of two sets of equal cost the better one is that with the earlier unit, where
   * they first differ.
   */
  readonly units: readonly CoverUnit[];
  /** What is missing, each more than 0. Whatever makes it fit frees as much of each. */
  readonly needs: readonly number[];
  readonly budgets: readonly number[];
  /** Whether, the other way round, it fits whenever as much of each is freed. */
  readonly isAdditive: boolean;
  /** Whether it fits without the units at these ascending positions. Freeing more never harms. */
  readonly fits: (chosen: readonly number[]) => boolean;
}

export interface CoverResult {
  /** Ascending positions of units; null when nothing was found. */
  readonly chosen: readonly number[] | null;
  readonly cost: EvictionCost;
  /** Whether it is certain that nothing is better, or that there is nothing. */
  readonly isExact: boolean;
  /** How many partial sets were bounded. */
  readonly steps: number;
}

/**
 * The cheapest units to evict, exactly: depth-first branch and bound. Bands are tried from the least
 * important up, because no saving in a lower one pays for hurting a higher one. A partial set is
 * given up when the linear relaxation of what it still lacks, need by need, is no cheaper than the
 * best set known (Kellerer, Pferschy, Pisinger: Knapsack Problems, 2004, §13.3), and a unit is
 * passed over where one that was passed over before frees as much.
 *
 * After `stepsMax` steps the best set known is returned, and said not to be exact. It costs no more
 * than the greedy one that the search starts from: no member of that could be spared.
 */
export function cheapestCover(problem: CoverProblem, stepsMax: number): CoverResult {
  const { units } = problem;
  if (problem.needs.length === 0 && problem.fits([])) {
    return { chosen: [], cost: NO_COST, isExact: true, steps: 0 };
  }
  let steps = 0;
  let isExact = true;
  for (const size of bandEnds(units)) {
    const search = new CoverSearch(problem, size, stepsMax - steps);
    const chosen = search.run();
    steps += search.steps;
    isExact &&= search.isExact;
    if (chosen) return { chosen, cost: costOf(units, chosen), isExact, steps };
  }
  return { chosen: null, cost: NO_COST, isExact, steps };
}

/** Nothing that does costs less; null when it is plain that nothing does. */
export function leastCost(problem: CoverProblem): EvictionCost | null {
  const { units } = problem;
  if (problem.needs.length === 0 && problem.fits([])) return NO_COST;
  for (const size of bandEnds(units)) {
    const least = new CoverSearch(problem, size, 0).least();
    if (least) return { ...least, band: units[size - 1]?.cost.band ?? 0 };
  }
  return null;
}

/** How many units there are up to each band that is among them. */
function bandEnds(units: readonly CoverUnit[]): number[] {
  return units.flatMap(({ cost }, at) => (units[at + 1]?.cost.band === cost.band ? [] : [at + 1]));
}

function costOf(units: readonly CoverUnit[], chosen: readonly number[]): EvictionCost {
  return chosen.reduce((sum, at) => addCosts(sum, units[at]?.cost ?? NO_COST), NO_COST);
}
