import { NodeDescription, parseConstraint, WorkloadSpec } from "@berth/protocol";
import { describe, expect, it } from "vitest";
import { createScenario } from "../measure.ts";
import { MIXES } from "../mixes/index.ts";
import { placementsWanted, type PlaceStep, type Scenario } from "../scenario.ts";

const SIZES = [1, 10, 100];

function placesOf({ before, steps }: Scenario): PlaceStep[] {
  return [...before, ...steps].filter((step) => step.kind === "place");
}

describe("the mixes", () => {
  it("have the names that results are known by", () => {
    expect(MIXES.map(({ name }) => name)).toEqual([
      "identical",
      "different",
      "constraints",
      "spread",
      "gpu",
      "gang",
      "preempt",
      "churn",
    ]);
  });

  it.each(MIXES)("$name: nodes and workloads are valid, with names of their own", (mix) => {
    for (const size of SIZES) {
      const scenario = createScenario(mix, size, 1);
      const places = placesOf(scenario);
      for (const node of scenario.nodes)
        expect(NodeDescription.safeParse(node).error).toBe(undefined);
      for (const { spec } of places) {
        expect(WorkloadSpec.safeParse(spec).error).toBe(undefined);
        for (const source of spec.constraints) expect(parseConstraint(source).ok).toBe(true);
      }
      expect(new Set(scenario.nodes.map(({ nodeId }) => nodeId)).size).toBe(scenario.nodes.length);
      expect(new Set(places.map(({ spec }) => spec.name)).size).toBe(places.length);
      expect(scenario.nodesAtStart).toBe(size);
      expect(placementsWanted(scenario.steps)).toBeGreaterThan(0);
    }
  });

  it.each(MIXES)("$name: is the same for the same seed, and another one for another", (mix) => {
    const once = createScenario(mix, 20, 1);
    expect(createScenario(mix, 20, 1)).toEqual(once);
    if (mix.name !== "identical") expect(createScenario(mix, 20, 2)).not.toEqual(once);
  });

  it.each(MIXES)(
    "$name: nodes leave once, while they are there, and join when they are not",
    (mix) => {
      const { nodes, nodesAtStart, steps } = createScenario(mix, 40, 1);
      const there = new Set([...nodes.keys()].slice(0, nodesAtStart));
      for (const step of steps) {
        if (step.kind === "leave") expect(there.delete(step.node)).toBe(true);
        if (step.kind !== "join") continue;
        expect(there.has(step.node)).toBe(false);
        expect(nodes[step.node]).toBeDefined();
        there.add(step.node);
      }
      expect(there.size).toBe(nodesAtStart);
    },
  );

  it("have every kind of node in small clusters too, in every zone", () => {
    const constraints = MIXES.find(({ name }) => name === "constraints") ?? expect.unreachable();
    const { nodes } = createScenario(constraints, 24, 1);
    const kinds = nodes.map(({ labels, hardware }) => `${labels["zone"]} ${hardware.cpu.model}`);
    expect(new Set(kinds).size).toBe(12);
  });

  it("different: no two tasks ask for the same", () => {
    const different = MIXES.find(({ name }) => name === "different") ?? expect.unreachable();
    const places = placesOf(createScenario(different, 100, 1));
    const asked = places.map(
      ({ spec }) => `${spec.resources.cpuMillis} ${spec.resources.memoryMiB}`,
    );
    expect(new Set(asked).size).toBe(places.length);
  });
});
