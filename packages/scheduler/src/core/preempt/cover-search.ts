import type { CoverProblem } from "./cheapest-cover.ts";
import { compareCosts, type EvictionCost } from "./eviction-cost.ts";
import { greedyCover } from "./greedy-cover.ts";

/** Beyond this many units, which of them make which others pointless is not worked out. */
const DOMINANCE_UNITS_MAX = 512;

const measures = ["weight", "lostSeconds", "count"] as const;
type Measure = (typeof measures)[number];
type Sums = Readonly<Record<Measure, number>>;

/**
 * One search among the first units of a problem. Units are looked at in order: each is taken first
 * and passed over afterwards, so that of equally good sets the better one is found first.
 */
export class CoverSearch {
  readonly #problem: CoverProblem;
  /** Only units before this one are looked at. */
  readonly #size: number;
  readonly #stepsMax: number;
  readonly #left: number[];
  readonly #budgets: number[];
  readonly #chosen: number[] = [];
  readonly #spent = { weight: 0, lostSeconds: 0, count: 0 };
  /** How many units that were passed over make each unit pointless. */
  readonly #pointless: Uint32Array;
  /** For each unit, later ones that free no more of anything and claim as much. */
  readonly #dominated: readonly (readonly number[])[];
  /** For each measure and need: units that free some of it, cheapest first for what they free. */
  readonly #orders: Readonly<Record<Measure, readonly (readonly number[])[]>>;
  #best: readonly number[] | null = null;
  #bestCost: EvictionCost | null = null;
  /** The best set is the greedy one: one that is as good is preferred, for ties go by order. */
  #isGreedy = false;
  #isCut = false;
  steps = 0;

  constructor(problem: CoverProblem, size: number, stepsMax: number) {
    this.#problem = problem;
    this.#size = size;
    this.#stepsMax = stepsMax;
    this.#left = [...problem.needs];
    this.#budgets = [...problem.budgets];
    this.#pointless = new Uint32Array(size);
    this.#dominated = problem.isAdditive && stepsMax > 0 ? dominatedUnits(problem, size) : [];
    this.#orders = {
      weight: cheapestFirst(problem, size, "weight"),
      lostSeconds: cheapestFirst(problem, size, "lostSeconds"),
      count: cheapestFirst(problem, size, "count"),
    };
  }

  get isExact(): boolean {
    return !this.#isCut;
  }

  /** What every set costs at least; null when none can do. */
  least(): EvictionCost | null {
    const least = { band: 0, weight: 0, lostSeconds: 0, count: 0 };
    for (const measure of measures) {
      least[measure] = this.#leastMore(measure, 0);
      if (least[measure] === Number.POSITIVE_INFINITY) return null;
    }
    return least;
  }

  run(): readonly number[] | null {
    const all = Array.from({ length: this.#size }, (_, at) => at);
    if (!this.#problem.fits(all)) return null;
    this.#best = greedyCover(this.#problem, this.#size);
    this.#isGreedy = this.#best !== null;
    if (this.#best) this.#bestCost = this.#costOf(this.#best);
    this.#explore(0);
    return this.#best;
  }

  #explore(from: number): void {
    if (this.#left.every((left) => left <= 0) && this.#problem.fits(this.#chosen)) {
      return this.#keep();
    }
    const passedOver: number[] = [];
    for (let at = from; at < this.#size && this.#mayImprove(at); at += 1) {
      if (this.#pointless[at] === 0 && this.#take(at)) {
        this.#explore(at + 1);
        this.#giveBack(at);
        if (this.#isCut) break;
      }
      passedOver.push(at);
      this.#markDominated(at, 1);
    }
    for (const at of passedOver) this.#markDominated(at, -1);
  }

  #keep(): void {
    const cost = { band: 0, ...this.#spent };
    const order = this.#bestCost === null ? -1 : compareCosts(cost, this.#bestCost);
    if (order > 0 || (order === 0 && !this.#isGreedy)) return;
    this.#best = [...this.#chosen];
    this.#bestCost = cost;
    this.#isGreedy = false;
  }

  /** Whether what is chosen and some of the units from here on can be better than the best set. */
  #mayImprove(from: number): boolean {
    this.steps += 1;
    if (this.steps > this.#stepsMax) {
      this.#isCut = true;
      return false;
    }
    const best = this.#bestCost;
    for (const measure of measures) {
      const least = this.#spent[measure] + this.#leastMore(measure, from);
      if (least === Number.POSITIVE_INFINITY) return false;
      if (best === null || least < best[measure]) return true;
      if (least > best[measure]) return false;
    }
    return this.#isGreedy;
  }

  /** What any of the units from here on cost at least to meet what is left of each need. */
  #leastMore(measure: Measure, from: number): number {
    let most = 0;
    for (const [need, left] of this.#left.entries()) {
      if (left <= 0) continue;
      const least = this.#leastForNeed(measure, need, left, from);
      if (least > most) most = least;
    }
    return most;
  }

  #leastForNeed(measure: Measure, need: number, left: number, from: number): number {
    const { units } = this.#problem;
    let missing = left;
    let sum = 0;
    for (const at of this.#orders[measure][need] ?? []) {
      const unit = units[at];
      if (at < from || !unit || this.#pointless[at] !== 0 || !this.#mayClaim(at)) continue;
      const freed = unit.frees[need] ?? 0;
      const cost = unit.cost[measure];
      // A part of the last one, rounded up: a whole set costs whole numbers.
      if (freed >= missing) return sum + Math.ceil((cost * missing) / freed);
      missing -= freed;
      sum += cost;
    }
    return Number.POSITIVE_INFINITY;
  }

  #mayClaim(at: number): boolean {
    const claims = this.#problem.units[at]?.claims ?? [];
    return claims.every(({ budget, count }) => count <= (this.#budgets[budget] ?? 0));
  }

  #take(at: number): boolean {
    if (!this.#mayClaim(at)) return false;
    this.#change(at, 1);
    this.#chosen.push(at);
    return true;
  }

  #giveBack(at: number): void {
    this.#chosen.pop();
    this.#change(at, -1);
  }

  #change(at: number, sign: 1 | -1): void {
    const unit = this.#problem.units[at];
    if (!unit) return;
    for (const [need, freed] of unit.frees.entries()) {
      this.#left[need] = (this.#left[need] ?? 0) - sign * freed;
    }
    for (const { budget, count } of unit.claims) {
      this.#budgets[budget] = (this.#budgets[budget] ?? 0) - sign * count;
    }
    for (const measure of measures) this.#spent[measure] += sign * unit.cost[measure];
  }

  #markDominated(at: number, by: 1 | -1): void {
    for (const other of this.#dominated[at] ?? []) {
      this.#pointless[other] = (this.#pointless[other] ?? 0) + by;
    }
  }

  #costOf(chosen: readonly number[]): EvictionCost {
    const cost = { band: 0, weight: 0, lostSeconds: 0, count: 0 };
    for (const at of chosen) {
      for (const measure of measures) cost[measure] += this.#problem.units[at]?.cost[measure] ?? 0;
    }
    return cost;
  }
}

function cheapestFirst(
  { units, needs }: CoverProblem,
  size: number,
  measure: Measure,
): readonly (readonly number[])[] {
  const costs = units.map(({ cost }) => cost[measure]);
  return needs.map((_, need) => {
    const freed = units.map(({ frees }) => frees[need] ?? 0);
    const some = freed.flatMap((amount, at) => (at < size && amount > 0 ? [at] : []));
    const price = (at: number, other: number) => (costs[at] ?? 0) * (freed[other] ?? 0);
    return some.sort((a, b) => price(a, b) - price(b, a) || a - b);
  });
}

/** By unit: those after it that it can stand for, whatever else is chosen. */
function dominatedUnits({ units, needs }: CoverProblem, size: number): number[][] {
  if (size > DOMINANCE_UNITS_MAX) return [];
  return units.slice(0, size).map((unit, at) => {
    const later: number[] = [];
    for (let other = at + 1; other < size; other += 1) {
      const rival = units[other];
      if (!rival) break;
      // An earlier one may cost more of what adds up: bands come first, and do not.
      const costsNoMore = compareSums(unit.cost, rival.cost) <= 0;
      const freesAsMuch = needs.every(
        (need, n) => (unit.frees[n] ?? 0) >= Math.min(need, rival.frees[n] ?? 0),
      );
      if (costsNoMore && freesAsMuch && claimsNoMore(unit.claims, rival.claims)) later.push(other);
    }
    return later;
  });
}

function compareSums(a: Sums, b: Sums): number {
  return a.weight - b.weight || a.lostSeconds - b.lostSeconds || a.count - b.count;
}

function claimsNoMore(
  claims: CoverProblem["units"][number]["claims"],
  others: CoverProblem["units"][number]["claims"],
): boolean {
  return claims.every(({ budget, count }) =>
    others.some((other) => other.budget === budget && other.count >= count),
  );
}
