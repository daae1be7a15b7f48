import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cheapestCover, type CoverProblem, type CoverUnit, leastCost } from "./cheapest-cover.ts";
import { addCosts, compareCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";

const STEPS_MAX = 1_000_000;

/** All subsets, one after another; of equal ones the one with the earlier unit where they differ. */
function cheapestOfAll(problem: CoverProblem): { chosen: number[]; cost: EvictionCost } | null {
  const { units } = problem;
  let best: { chosen: number[]; cost: EvictionCost } | null = null;
  for (let subset = 0; subset < 2 ** units.length; subset += 1) {
    const chosen = units.flatMap((_, at) => ((subset >> at) & 1 ? [at] : []));
    if (!withinBudgets(problem, chosen) || !problem.fits(chosen)) continue;
    const cost = chosen.reduce((sum, at) => addCosts(sum, units[at]?.cost ?? NO_COST), NO_COST);
    const order = best === null ? -1 : compareCosts(cost, best.cost);
    if (order < 0 || (order === 0 && best && comesFirst(chosen, best.chosen))) {
      best = { chosen, cost };
    }
  }
  return best;
}

function comesFirst(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((unit, i) => unit !== b[i]);
  return at >= 0 && (b[at] === undefined || (a[at] ?? 0) < b[at]);
}

function withinBudgets({ units, budgets }: CoverProblem, chosen: readonly number[]): boolean {
  return budgets.every((limit, budget) => {
    const claims = chosen.flatMap((at) => units[at]?.claims ?? []);
    const claimed = claims.filter((claim) => claim.budget === budget);
    return claimed.reduce((sum, { count }) => sum + count, 0) <= limit;
  });
}

const unit = fc.record({
  cost: fc.record({
    band: fc.constantFrom(1, 1, 2, 3),
    weight: fc.constantFrom(1, 2, 3, 51),
    lostSeconds: fc.constantFrom(0, 0, 1, 5, 100),
    count: fc.constantFrom(1, 1, 4),
  }),
  frees: fc.array(fc.constantFrom(0, 1, 2, 4, 7), { minLength: 3, maxLength: 3 }),
  claims: fc.oneof(
    { weight: 2, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.record({ budget: fc.nat(1), count: fc.nat(2) }), { maxLength: 1 }),
    },
  ),
});

const problem = fc
  .record({
    units: fc.array(unit, { maxLength: 9 }),
    needs: fc.array(fc.constantFrom(1, 3, 5, 8), { maxLength: 3 }),
    budgets: fc.tuple(fc.nat(3), fc.nat(3)),
    /** Two units that only do together, whatever else is freed: needs do not tell all. */
    pair: fc.option(fc.tuple(fc.nat(8), fc.nat(8))),
  })
  .map(({ units, needs, budgets, pair }): CoverProblem => {
    const sorted: CoverUnit[] = units
      .map((one) => ({ ...one, frees: one.frees.slice(0, needs.length) }))
      .sort((a, b) => compareCosts(a.cost, b.cost));
    const isMet = (chosen: readonly number[]) =>
      needs.every(
        (need, n) => chosen.reduce((sum, at) => sum + (sorted[at]?.frees[n] ?? 0), 0) >= need,
      );
    return {
      units: sorted,
      needs,
      budgets,
      isAdditive: pair === null,
      fits: (chosen) => isMet(chosen) && (pair === null || pair.every((at) => chosen.includes(at))),
    };
  });

describe("the cheapest cover", () => {
  test("is the one that trying all subsets finds", () => {
    fc.assert(
      fc.property(problem, (one) => {
        const expected = cheapestOfAll(one);
        const found = cheapestCover(one, STEPS_MAX);
        expect(found.isExact).toBe(true);
        expect(found.chosen).toEqual(expected?.chosen ?? null);
        if (expected) expect(found.cost).toEqual(expected.cost);
      }),
      { numRuns: 3_000 },
    );
  });

  test("costs no less than the bound that is known without a search", () => {
    fc.assert(
      fc.property(problem, (one) => {
        const expected = cheapestOfAll(one);
        const least = leastCost(one);
        if (expected === null) return;
        expect(least).not.toBeNull();
        if (least) expect(compareCosts(least, expected.cost)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });

  test("cut short is still a cover that can spare nobody, and says that it may not be the cheapest", () => {
    fc.assert(
      fc.property(problem, fc.nat(3), (one, stepsMax) => {
        const { chosen, isExact } = cheapestCover(one, stepsMax);
        if (chosen === null) return;
        expect(one.fits(chosen) && withinBudgets(one, chosen)).toBe(true);
        for (const at of chosen)
          expect(one.fits(chosen.filter((other) => other !== at))).toBe(false);
        if (isExact) expect(chosen).toEqual(cheapestOfAll(one)?.chosen);
      }),
      { numRuns: 1_000 },
    );
  });

  test("of a thousand equal units takes the ones that have run least, without a long search", () => {
    const units = Array.from(
      { length: 1_000 },
      (_, n): CoverUnit => ({
        cost: { band: 1, weight: 11, lostSeconds: n, count: 1 },
        frees: [1_000, 4],
        claims: [],
      }),
    );
    const fits = (chosen: readonly number[]) => chosen.length >= 200;
    const one = { units, needs: [200_000, 16], budgets: [], isAdditive: true, fits };
    const { chosen, isExact, steps } = cheapestCover(one, 10_000);
    expect(chosen).toEqual(Array.from({ length: 200 }, (_, n) => n));
    expect(isExact).toBe(true);
    expect(steps).toBeLessThan(1_000);
  });
});
