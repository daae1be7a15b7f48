import { expect, test } from "vitest";
import { LEVELS, levelMax, levelMin, levelOf } from "./surplus-levels.ts";
import { STOCK_MAX } from "./stocks.ts";

test("levels of surpluses follow each other without gaps, up to the largest stock", () => {
  expect([levelOf(0), levelMin[0], levelMax[0]]).toEqual([0, 0, 0]);
  for (let level = 1; level < LEVELS; level += 1) {
    expect(levelMin[level]).toBe((levelMax[level - 1] ?? 0) + 1);
    expect(levelOf(levelMin[level] ?? 0)).toBe(level);
    expect(levelOf(levelMax[level] ?? 0)).toBe(level);
  }
  expect(levelOf(STOCK_MAX)).toBe(LEVELS - 1);
  expect(levelMax[LEVELS - 1]).toBe(STOCK_MAX);
});
