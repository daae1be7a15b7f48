import { describe, expect, it } from "vitest";
import { modelPremiums } from "../pricing/model-premiums.ts";
import { GPU_VALUE } from "../pricing/node-value.ts";

const ANY = 0b11;
const FIRST = 0b01;

function gpuTasks(count: number, modelMask: number) {
  return { gpuCount: 1, gpuMillis: 1000, count, modelMask };
}

describe("model premiums", () => {
  it("are nothing while every task accepts every model", () => {
    expect([...modelPremiums([gpuTasks(10, ANY)], [4_000, 4_000])]).toEqual([0, 0]);
  });

  it("grow with the share of a model that work without a choice would fill", () => {
    const premiumAt = (constrained: number): number => {
      const demand = [gpuTasks(constrained, FIRST), gpuTasks(100 - constrained, ANY)];
      return modelPremiums(demand, [50_000, 50_000])[0] ?? 0;
    };
    expect(premiumAt(10)).toBe(GPU_VALUE / 25);
    expect(premiumAt(25)).toBe(GPU_VALUE / 10);
    expect([premiumAt(50), premiumAt(100)]).toEqual([GPU_VALUE / 5, GPU_VALUE / 5]);
  });

  it("leave out cpu-only tasks and models that no node has", () => {
    const cpuOnly = { gpuCount: 0, gpuMillis: 0, count: 5, modelMask: ANY };
    const demand = [cpuOnly, gpuTasks(5, 0), gpuTasks(5, ANY)];
    expect([...modelPremiums(demand, [4_000, 4_000])]).toEqual([0, 0]);
  });
});
