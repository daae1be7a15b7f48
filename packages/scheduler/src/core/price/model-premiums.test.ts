import { describe, expect, it } from "vitest";
import { GPU_VALUE } from "./gpu-prices.ts";
import { modelPremiums, premiumFor } from "./model-premiums.ts";

const ANY = null;
const FIRST = [0];

function gpuTasks(count: number, kinds: readonly number[] | null) {
  return { gpuCount: 1, gpuMillis: 1000, count, kinds };
}

describe("model premiums", () => {
  it("are nothing while every task accepts every kind", () => {
    expect([...modelPremiums([gpuTasks(10, ANY)], [4_000, 4_000])]).toEqual([0, 0]);
  });

  it("grow with the share of a kind that work without a choice would fill", () => {
    const premiumAt = (constrained: number): number => {
      const demand = [gpuTasks(constrained, FIRST), gpuTasks(100 - constrained, ANY)];
      return modelPremiums(demand, [50_000, 50_000])[0] ?? 0;
    };
    expect(premiumAt(10)).toBe(GPU_VALUE / 25);
    expect(premiumAt(25)).toBe(GPU_VALUE / 10);
    expect([premiumAt(50), premiumAt(100)]).toEqual([GPU_VALUE / 5, GPU_VALUE / 5]);
  });

  it("leave out cpu-only tasks, kinds that no node has, and those who name every kind", () => {
    const cpuOnly = { gpuCount: 0, gpuMillis: 0, count: 5, kinds: FIRST };
    const demand = [cpuOnly, gpuTasks(5, []), gpuTasks(5, [0, 1])];
    expect([...modelPremiums(demand, [4_000, 4_000])]).toEqual([0, 0]);
  });

  it("count for the part of GPUs that a task takes", () => {
    expect([premiumFor(200_000, 1, 500), premiumFor(200_000, 4, 1000)]).toEqual([100_000, 800_000]);
  });
});
