import { describe, expect, it } from "vitest";
import { type EngineFactory, NOWHERE } from "../engine.ts";
import { compare, createScenario, DecisionError, measure } from "../measure.ts";
import { measureMemory } from "../memory.ts";
import { MIXES } from "../mixes/index.ts";
import { hashOf, Play } from "../play.ts";
import type { Mix } from "../scenario.ts";
import { FirstFit } from "./first-fit.ts";

const firstFit: EngineFactory = ({ nodes }) => new FirstFit(nodes);

/** Decides as `FirstFit` does, but for one decision. */
const otherwise: EngineFactory = ({ nodes }) => {
  const engine = new FirstFit(nodes);
  return {
    translationBytes: 0,
    join: (node) => engine.join(node),
    leave: (node) => engine.leave(node),
    finish: (allocation, node) => engine.finish(allocation, node),
    place(spec, first, count, places) {
      engine.place(spec, first, count, places);
      if (first <= 30 && first + count > 30) places[30] = NOWHERE;
    },
  };
};

function mixCalled(name: string): Mix {
  return MIXES.find((mix) => mix.name === name) ?? expect.unreachable();
}

describe("playing a scenario", () => {
  it.each(MIXES)("$name: in parts or as a whole, the decisions are the same", (mix) => {
    const scenario = createScenario(mix, 20, 3);
    const [whole, parts] = [Infinity, 1].map((together) => {
      const play = new Play(scenario, firstFit);
      for (const step of scenario.steps) play.take(step, together);
      return play;
    });
    expect(whole?.placed).toBeGreaterThan(0);
    expect(whole?.places).toEqual(parts?.places);
  });

  it("ends what lives, once, and not what was lost with its node", () => {
    const { nodes, steps } = createScenario(mixCalled("churn"), 2, 1);
    const [place] = steps.filter((step) => step.kind === "place");
    if (place === undefined) expect.unreachable();
    const ended: number[] = [];
    const play = new Play(
      { nodes, nodesAtStart: 1, before: [], steps: [place, place] },
      (given) => {
        const engine = firstFit(given);
        return {
          translationBytes: 0,
          join: (node) => engine.join(node),
          leave: (node) => engine.leave(node),
          place: (...args) => engine.place(...args),
          finish: (allocation) => ended.push(allocation),
        };
      },
    );
    play.take({ ...place, count: 2 });
    play.take({ kind: "finish", allocation: 0 });
    play.take({ kind: "finish", allocation: 0 });
    play.take({ kind: "leave", node: 0 });
    play.take({ kind: "finish", allocation: 1 });
    play.take({ kind: "join", node: 0 });
    play.take({ kind: "finish", allocation: 1 });
    play.take({ ...place, count: 1 });
    play.take({ kind: "finish", allocation: 2 });
    expect(ended).toEqual([0, 2]);
  });

  it("has a fingerprint that tells any two decisions apart", () => {
    expect(hashOf(Int32Array.of(1, 2, 3))).not.toBe(hashOf(Int32Array.of(1, 3, 2)));
    expect(hashOf(Int32Array.of(NOWHERE))).not.toBe(hashOf(Int32Array.of(0)));
  });
});

describe("measuring", () => {
  it("refuses an engine that decides otherwise than plain loops, and says where", () => {
    expect(() => compare(mixCalled("identical"), 1, firstFit, firstFit)).not.toThrow();
    const wrong = () => compare(mixCalled("identical"), 1, otherwise, firstFit);
    expect(wrong).toThrow(DecisionError);
    expect(wrong).toThrow(/identical: allocation 30 of 24 nodes went to node -1/);
  });

  it("refuses an engine whose decisions depend on more than the steps", () => {
    let engines = 0;
    const moody: EngineFactory = (scenario) => (engines++ === 0 ? firstFit : otherwise)(scenario);
    expect(() => measure(mixCalled("identical"), 10, 1, moody)).toThrow(/another decision/);
  });

  it("gives what the chart and the table show, with the same fingerprint every time", () => {
    const once = measure(mixCalled("churn"), 10, 1, firstFit);
    expect(once).toMatchObject({ nodes: 10, mix: "churn" });
    expect(once.placementsPerSecond).toBeGreaterThan(0);
    expect(once.p99Micros).toBeGreaterThan(0);
    expect(measure(mixCalled("churn"), 10, 1, firstFit).hash).toBe(once.hash);
  });

  it("counts the memory of the engine alone", () => {
    const mix = mixCalled("identical");
    const kept: Uint8Array[] = [];
    const heavy: EngineFactory = (scenario) => {
      const engine = firstFit(scenario);
      return {
        translationBytes: 0,
        leave: (node) => engine.leave(node),
        finish: (allocation, node) => engine.finish(allocation, node),
        join(node) {
          kept.push(new Uint8Array(1_000_000));
          engine.join(node);
        },
        place(spec, first, count, places) {
          kept.push(new Uint8Array(10_000 * count));
          engine.place(spec, first, count, places);
        },
      };
    };
    const scenario = createScenario(mix, 100, 1);
    const { bytesPerNode, bytesPerTask } = measureMemory(scenario, heavy);
    expect(bytesPerNode).toBeGreaterThan(1_000_000);
    expect(bytesPerNode).toBeLessThan(1_200_000);
    expect(bytesPerTask).toBeGreaterThan(9_000);
    expect(bytesPerTask).toBeLessThan(12_000);
  });
});
