import { describe, expect, it } from "vitest";
import { enginesFor } from "../engines.ts";
import { compare, measure } from "../measure.ts";
import { MIXES } from "../mixes/index.ts";

const SEEDS = [1, 2];

describe("the placement engine", () => {
  it.each(MIXES)("$name: decides as plain loops do, whole and in parts", (mix) => {
    const { fast, plain } = enginesFor(mix);
    for (const seed of SEEDS) compare(mix, seed, fast, plain);
    const { hash, placementsPerSecond } = measure(mix, 12, 1, fast);
    expect(hash).toMatch(/^[0-9a-f]{8}$/);
    expect(placementsPerSecond).toBeGreaterThan(0);
  });
});
