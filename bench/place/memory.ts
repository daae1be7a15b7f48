import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EngineFactory } from "./engine.ts";
import { createScenario } from "./measure.ts";
import { Play } from "./play.ts";
import type { Mix, Scenario } from "./scenario.ts";

/** What an engine keeps in memory, beside the descriptions and specs it was given. */
export interface MemoryMeasurement {
  readonly nodes: number;
  readonly mix: string;
  readonly tasks: number;
  readonly bytesPerNode: number;
  readonly bytesPerTask: number;
}

/**
 * Memory is what remains after a collection, typed arrays included. Everything is played once before, so
 * that code, prices and what is remembered of each spec are there already.
 */
export function measureMemory(
  mix: Mix,
  nodeCount: number,
  seed: number,
  createEngine: EngineFactory,
): MemoryMeasurement {
  const { nodes, nodesAtStart, before, steps } = createScenario(mix, nodeCount, seed);
  const places = [...before, ...steps].filter((step) => step.kind === "place");
  const scenario = { nodes, nodesAtStart, before: [], steps: places };
  warmUp(scenario, createEngine);
  const atStart = collectedBytes();
  const play = new Play(scenario, createEngine);
  const withNodes = collectedBytes();
  playAll(scenario, play);
  const withTasks = collectedBytes();
  return {
    nodes: nodeCount,
    mix: mix.name,
    tasks: play.placed,
    bytesPerNode: Math.round((withNodes - atStart - play.ownBytes) / nodesAtStart),
    bytesPerTask: Math.round((withTasks - withNodes) / Math.max(1, play.placed)),
  };
}

/** In a function of its own, because what a frame has held may live as long as the frame. */
function warmUp(scenario: Scenario, createEngine: EngineFactory): void {
  playAll(scenario, new Play(scenario, createEngine));
}

function playAll({ steps }: Scenario, play: Play): void {
  for (const step of steps) play.take(step);
}

function collectedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  for (let again = 0; again < 3; again += 1) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
