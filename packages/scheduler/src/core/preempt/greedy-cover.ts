import type { CoverProblem } from "./cheapest-cover.ts";

/**
 * Some of the first units that do: always the one next that frees most of what is still needed for
 * its weight, until it fits; then, the most costly first, whatever can be spared is spared. Null when
 * budgets stand in the way.
 */
export function greedyCover(problem: CoverProblem, size: number): readonly number[] | null {
  const choice = new Choice(problem);
  while (!choice.meetsNeeds) {
    const next = mostForItsWeight(problem, size, choice);
    if (next === null) return null;
    choice.add(next);
  }
  for (let at = 0; !problem.fits(choice.ascending); at += 1) {
    if (at >= size) return null;
    if (choice.mayAdd(at)) choice.add(at);
  }
  for (const at of choice.ascending.toReversed()) {
    choice.remove(at);
    if (!choice.meetsNeeds || !problem.fits(choice.ascending)) choice.add(at);
  }
  return choice.ascending;
}

function mostForItsWeight({ units }: CoverProblem, size: number, choice: Choice): number | null {
  let best: number | null = null;
  let bestPermille = 0;
  let bestWeight = 1;
  for (let at = 0; at < size; at += 1) {
    if (!choice.mayAdd(at)) continue;
    const permille = choice.helpPermille(at);
    const weight = units[at]?.cost.weight ?? 0;
    if (permille * bestWeight <= bestPermille * weight) continue;
    best = at;
    bestPermille = permille;
    bestWeight = weight;
  }
  return best;
}

/** Units chosen so far, with what is left of needs and budgets. */
class Choice {
  readonly #problem: CoverProblem;
  readonly #chosen = new Set<number>();
  readonly #left: number[];
  readonly #budgets: number[];

  constructor(problem: CoverProblem) {
    this.#problem = problem;
    this.#left = [...problem.needs];
    this.#budgets = [...problem.budgets];
  }

  get meetsNeeds(): boolean {
    return this.#left.every((missing) => missing <= 0);
  }

  get ascending(): number[] {
    return [...this.#chosen].sort((a, b) => a - b);
  }

  mayAdd(at: number): boolean {
    if (this.#chosen.has(at)) return false;
    const claims = this.#problem.units[at]?.claims ?? [];
    return claims.every(({ budget, count }) => count <= (this.#budgets[budget] ?? 0));
  }

  /** Thousandths of what is left of each need that the unit would free, in all. */
  helpPermille(at: number): number {
    const frees = this.#problem.units[at]?.frees ?? [];
    let permille = 0;
    for (const [need, missing] of this.#left.entries()) {
      if (missing <= 0) continue;
      permille += Math.ceil((1000 * Math.min(missing, frees[need] ?? 0)) / missing);
    }
    return permille;
  }

  add(at: number): void {
    this.#chosen.add(at);
    this.#change(at, 1);
  }

  remove(at: number): void {
    this.#chosen.delete(at);
    this.#change(at, -1);
  }

  #change(at: number, sign: 1 | -1): void {
    const unit = this.#problem.units[at];
    for (const [need, freed] of unit?.frees.entries() ?? []) {
      this.#left[need] = (this.#left[need] ?? 0) - sign * freed;
    }
    for (const { budget, count } of unit?.claims ?? []) {
      this.#budgets[budget] = (this.#budgets[budget] ?? 0) - sign * count;
    }
  }
}
