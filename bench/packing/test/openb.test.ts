import { describe, expect, it } from "vitest";
import { createMix, MIX_NAMES } from "../mixes.ts";
import { POLICIES } from "../policies/index.ts";
import { run } from "../run.ts";
import type { TaskList } from "../trace.ts";
import { openb } from "./builders.ts";

const { nodes, list } = openb();

/** Mean GPU allocation at 130 %, in percent. */
function allocated(policy: string, seeds: readonly number[], tasks: TaskList = list): number {
  const create = POLICIES[policy];
  if (create === undefined) throw new Error(`no policy ${policy}`);
  const sum = seeds.reduce(
    (total, seed) => total + run(nodes, tasks, seed, create).allocated130,
    0,
  );
  return sum / seeds.length;
}

describe("the openb benchmark", () => {
  it("has the published cluster and list", () => {
    expect(nodes).toHaveLength(1_213);
    expect(nodes.reduce((sum, node) => sum + node.gpuCount, 0)).toBe(6_212);
    expect(list.tasks).toHaveLength(8_152);
    expect(list.classes).toHaveLength(151);
  });

  it.each([
    ["random", 87.51, 1.2],
    ["dot-product", 90.81, 0.5],
    ["gpu-clustering", 91.87, 1],
    ["gpu-packing", 91.94, 1],
    ["best-fit", 93.04, 0.3],
    ["first-fit", 94.53, 0.3],
    ["fgd", 95.4, 0.25],
  ])("reproduces %s at %f %%", (policy, published, tolerance) => {
    const seeds = policy === "random" ? [100] : [100, 101, 102, 103];
    expect(Math.abs(allocated(policy, seeds) - published)).toBeLessThan(tolerance);
  });

  it("berth reaches 96.2 %, stays below the bound for policies that may not refuse", () => {
    const mean = allocated("berth", [100, 101, 102]);
    expect(mean).toBeGreaterThan(96.2);
    expect(mean).toBeLessThan(96.5);
  });

  it("berth-online reaches 96.0 % knowing nothing of the list", () => {
    expect(allocated("berth-online", [100, 101, 102])).toBeGreaterThan(96);
  });

  it.each(MIX_NAMES)("berth beats first-fit and fgd on the mix %s", (name) => {
    const mix = createMix(list, name) ?? list;
    const berth = allocated("berth", [100], mix);
    expect(berth).toBeGreaterThan(allocated("fgd", [100], mix) + 0.3);
    expect(berth).toBeGreaterThan(allocated("first-fit", [100], mix) + 0.3);
  });

  it("decides the same twice, and otherwise for another seed", () => {
    const create = POLICIES["berth"] ?? (() => expect.unreachable());
    const [once, twice, other] = [100, 100, 101].map((seed) => run(nodes, list, seed, create).hash);
    expect(once).toBe("958d0641");
    expect(twice).toBe(once);
    expect(other).not.toBe(once);
  });
});
