import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coarsen, priceLeftovers, PRICED_SIZES_MAX, type Piece } from "./leftover-prices.ts";

describe("leftover prices", () => {
  it("value a leftover by the pieces that fit: halves and thirds", () => {
    const halves = priceLeftovers([{ size: 470, demand: 10 }]);
    expect(halves.gpus).toBeCloseTo(5);
    expect([469, 470, 939, 940, 1000].map((free) => halves.worth[free])).toEqual([
      0, 0.5, 0.5, 1, 1,
    ]);
    const thirds = priceLeftovers([{ size: 320, demand: 9 }]);
    expect(thirds.gpus).toBeCloseTo(3);
    expect(thirds.worth[640]).toBeCloseTo(2 / 3);
  });

  it("charge a large piece for the hole that nothing fills", () => {
    const { gpus, piecePrices, worth } = priceLeftovers([{ size: 810, demand: 4 }]);
    expect(gpus).toBeCloseTo(4);
    expect(piecePrices[0]).toBeCloseTo(1);
    expect(worth[190]).toBe(0);
  });

  it("combine sizes where that wastes less", () => {
    const { gpus } = priceLeftovers([
      { size: 650, demand: 3 },
      { size: 350, demand: 5 },
    ]);
    expect(gpus).toBeCloseTo(3 + 2 / 2);
  });

  it("are optimal: no pattern is worth more than a GPU, and prices pay for the plan exactly", () => {
    const piece = fc.record({
      size: fc.integer({ min: 120, max: 1000 }),
      demand: fc.integer({ min: 1, max: 1000 }),
    });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 7 }), (given) => {
        const pieces = coarsen(given);
        const { gpus, piecePrices } = priceLeftovers(pieces);
        expect(bestPattern(pieces, piecePrices)).toBeLessThanOrEqual(1 + 1e-6);
        const paid = pieces.reduce(
          (sum, { demand }, number) => sum + demand * (piecePrices[number] ?? 0),
          0,
        );
        expect(paid).toBeCloseTo(gpus, 6);
        for (const price of piecePrices) expect(price).toBeGreaterThanOrEqual(-1e-9);
      }),
      { numRuns: 300 },
    );
  });

  it("never fall when a leftover grows", () => {
    const { worth } = priceLeftovers([
      { size: 230, demand: 3 },
      { size: 410, demand: 7 },
      { size: 810, demand: 2 },
    ]);
    expect(worth).toEqual(worth.toSorted());
  });

  it("stay bounded for demand in every size there is", () => {
    const pieces = coarsen(
      Array.from({ length: 999 }, (_, size) => ({ size: size + 1, demand: 1 })),
    );
    expect(pieces.length).toBeLessThanOrEqual(PRICED_SIZES_MAX);
    expect(priceLeftovers(pieces).worth[500]).toBeGreaterThan(0.4);
  });
});

/** Every pattern, by plain recursion: the most that pieces within one GPU are priced at. */
function bestPattern(pieces: readonly Piece[], prices: readonly number[], room = 1000): number {
  let best = 0;
  for (const [piece, { size }] of pieces.entries()) {
    if (size > room) continue;
    const rest = bestPattern(pieces.slice(piece), prices.slice(piece), room - size);
    best = Math.max(best, (prices[piece] ?? 0) + rest);
  }
  return best;
}
