import { describe, expect, it } from "vitest";
import { GPU_VALUE, nodeValue, type DemandPrices } from "../pricing/node-value.ts";

const prices: DemandPrices = {
  leftover: Int32Array.from({ length: 1001 }, (_, free) => free * 1000),
  cpu: { perGpu: 10_000, deviation: 200 },
  memory: { perGpu: 50_000, deviation: 1_000 },
};

describe("the value of a node", () => {
  it("is the value of its leftovers when cpu and memory are plentiful", () => {
    const value = nodeValue(prices, 4 * GPU_VALUE, 400_000, 2_000_000);
    expect(value).toBeGreaterThan(3.999 * GPU_VALUE);
    expect(value).toBeLessThanOrEqual(4 * GPU_VALUE);
  });

  it("is what the scarcer of cpu and memory can serve when one is short", () => {
    expect(nodeValue(prices, 4 * GPU_VALUE, 20_000, 2_000_000) / GPU_VALUE).toBeCloseTo(2, 2);
    expect(nodeValue(prices, 4 * GPU_VALUE, 400_000, 50_000) / GPU_VALUE).toBeCloseTo(1, 2);
    expect(nodeValue(prices, 4 * GPU_VALUE, 20_000, 50_000) / GPU_VALUE).toBeCloseTo(1, 2);
  });

  it("is nothing without cpu, and nothing without GPU", () => {
    expect(nodeValue(prices, 4 * GPU_VALUE, 0, 2_000_000)).toBe(0);
    expect(nodeValue(prices, 0, 400_000, 2_000_000)).toBe(0);
  });

  it("is a whole number that never falls when more is free", () => {
    let last = 0;
    for (let cpu = 0; cpu < 80_000; cpu += 500) {
      const value = nodeValue(prices, 3 * GPU_VALUE, cpu, 300_000);
      expect(Number.isInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
  });
});
