import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { EngineFactory } from "./engine.ts";
import { Play } from "./play.ts";
import type { Scenario } from "./scenario.ts";

/** What an engine keeps in memory, beside the descriptions and specs it was given. */
export interface Memory {
  readonly bytesPerNode: number;
  readonly bytesPerTask: number;
}

/** Part of the steps after which what is remembered of each node is there: one in … */
const WARM_PART = 20;

/**
 * Memory is what remains after a collection, typed arrays included. What an engine works out of its nodes
 * when it is first asked belongs to the nodes: they are counted once a few workloads are placed. To be
 * called when all was played before, so that code and prices are there already.
 */
export function measureMemory(scenario: Scenario, createEngine: EngineFactory): Memory {
  const { nodesAtStart, before, steps } = scenario;
  const places = [...before, ...steps].filter((step) => step.kind === "place");
  const few = Math.ceil(places.length / WARM_PART);
  const atStart = collectedBytes();
  const play = new Play({ ...scenario, before: [], steps: places }, createEngine);
  for (const step of places.slice(0, few)) play.take(step);
  const withNodes = collectedBytes();
  const placed = play.placed;
  for (const step of places.slice(few)) play.take(step);
  const withTasks = collectedBytes();
  const tasks = Math.max(1, play.placed - placed);
  return {
    bytesPerNode: Math.round((withNodes - atStart - play.ownBytes) / nodesAtStart),
    bytesPerTask: Math.round((withTasks - withNodes) / tasks),
  };
}

function collectedBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  // What only weak references held goes in a later round than what held those.
  for (let round = 0; round < 3; round += 1) collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
