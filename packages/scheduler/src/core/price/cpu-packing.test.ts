import { describe, expect, it } from "vitest";
import { NO_CAPACITY } from "./capacity.ts";
import type { DemandClass } from "./demand.ts";
import { costOf, cpuWorth, UNLIMITED } from "./node-value.ts";
import { priceCluster } from "./prices.ts";

/** A cluster without GPUs, offered more than it holds. How much of its cpu and memory is granted? */
interface Node {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  cpuFree: number;
  memoryFree: number;
}

type Cost = (node: Node, task: DemandClass) => number;

const NODES = 100;
const SEEDS = [1, 2, 3, 4];
const GiB = 1024;

const shapes = {
  "equal nodes": [[64, 256]],
  "three shapes of node": [
    [64, 256],
    [96, 192],
    [32, 256],
  ],
} as const;

const mixes = {
  "small tasks of all proportions": [0.25, 0.5, 1, 2, 4, 8].flatMap((cores) =>
    [1, 2, 4, 8, 16].map((ratio) => demand(cores, cores * ratio, 12 / Math.sqrt(cores))),
  ),
  "large tasks": [2, 6, 10, 14, 20, 30].flatMap((cores) =>
    [1, 3, 6, 9].map((ratio) => demand(cores, cores * ratio, 4)),
  ),
  "cpu-heavy and memory-heavy ones": [
    demand(8, 8, 20),
    demand(1, 16, 40),
    demand(0.5, 0.5, 160),
    demand(12, 24, 10),
    demand(2, 64, 8),
  ],
};

function demand(cores: number, gib: number, count: number): DemandClass {
  return {
    cpuMillis: cores * 1000,
    memoryMiB: gib * GiB,
    diskMiB: 0,
    networkMbps: 0,
    gpuCount: 0,
    gpuMillis: 0,
    models: [],
    gpuMemoryMiB: 0,
    count: Math.round(count),
  };
}

const firstFit: Cost = () => 0;

const bestFit: Cost = (node, task) =>
  (node.cpuFree - task.cpuMillis) / node.cpuMillis +
  (node.memoryFree - task.memoryMiB) / node.memoryMiB;

function pricedBy(mix: readonly DemandClass[]): Cost {
  const prices = priceCluster(mix, NO_CAPACITY);
  const worth = (cpu: number, memory: number): number =>
    cpuWorth(prices, 0, cpu, memory, UNLIMITED, UNLIMITED);
  return ({ cpuFree, memoryFree }, { cpuMillis, memoryMiB }) => {
    const after = worth(cpuFree - cpuMillis, memoryFree - memoryMiB);
    return costOf(0, worth(cpuFree, memoryFree) - after, prices.cpu.step);
  };
}

/** Percent of cpu plus percent of memory granted once 130 % of either was asked for. */
function granted(
  shape: readonly (readonly [number, number])[],
  mix: readonly DemandClass[],
  cost: Cost,
): number {
  const results = SEEDS.map((seed) => {
    const below = drawer(seed);
    const nodes = Array.from({ length: NODES }, (): Node => {
      const [cores, gib] = shape[below(shape.length)] ?? [0, 0];
      const [cpuMillis, memoryMiB] = [cores * 1000, gib * GiB];
      return { cpuMillis, memoryMiB, cpuFree: cpuMillis, memoryFree: memoryMiB };
    });
    const tasks = mix.flatMap((task) => new Array<DemandClass>(task.count).fill(task));
    const sum = (of: (node: Node) => number): number =>
      nodes.reduce((total, node) => total + of(node), 0);
    const [cpu, memory] = [sum((node) => node.cpuMillis), sum((node) => node.memoryMiB)];
    for (let asked = [0, 0]; Math.max(...asked) < 1.3; ) {
      const task = tasks[below(tasks.length)];
      if (task === undefined) throw new Error("no task");
      asked = [(asked[0] ?? 0) + task.cpuMillis / cpu, (asked[1] ?? 0) + task.memoryMiB / memory];
      place(nodes, task, cost);
    }
    const free = sum((node) => node.cpuFree) / cpu + sum((node) => node.memoryFree) / memory;
    return 100 * (2 - free);
  });
  return results.reduce((total, one) => total + one, 0) / SEEDS.length;
}

function place(nodes: readonly Node[], task: DemandClass, cost: Cost): void {
  let best: Node | null = null;
  let least = Infinity;
  for (const node of nodes) {
    if (node.cpuFree < task.cpuMillis || node.memoryFree < task.memoryMiB) continue;
    const here = cost(node, task);
    if (here >= least) continue;
    best = node;
    least = here;
  }
  if (best === null) return;
  best.cpuFree -= task.cpuMillis;
  best.memoryFree -= task.memoryMiB;
}

function drawer(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x9e37_79b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % bound;
  };
}

describe.each(Object.entries(shapes))("on %s, priced cpu", (_, shape) => {
  it.each(Object.entries(mixes))("packs %s no worse than first-fit and best-fit", (__, mix) => {
    const ours = granted(shape, mix, pricedBy(mix));
    const known = Math.max(granted(shape, mix, firstFit), granted(shape, mix, bestFit));
    expect(ours).toBeGreaterThanOrEqual(known);
  });
});
