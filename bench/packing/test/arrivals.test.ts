import { describe, expect, it } from "vitest";
import { drawArrivals } from "../arrivals.ts";
import { createRandom } from "../../random.ts";
import { requestedGpuMillis } from "../trace.ts";
import { aTask, openb } from "./builders.ts";

const CAPACITY_MILLIS = 6_212_000;

describe("arrivals", () => {
  const { list } = openb();
  const arrivals = drawArrivals(list, CAPACITY_MILLIS, 100);

  it("start with every task of the list exactly once, in an order of the seed's own", () => {
    const first = arrivals.slice(0, list.tasks.length);
    expect(first.toSorted((a, b) => a - b)).toEqual(list.tasks.toSorted((a, b) => a - b));
    expect(first).not.toEqual(list.tasks);
    expect(drawArrivals(list, CAPACITY_MILLIS, 101).slice(0, 50)).not.toEqual(first.slice(0, 50));
  });

  it("end at the last task that keeps the offered GPUs within 130 % of capacity", () => {
    const offered = arrivals.reduce(
      (sum, task) => sum + requestedGpuMillis(list.classes[task] ?? aTask()),
      0,
    );
    expect(offered).toBeLessThanOrEqual(1.3 * CAPACITY_MILLIS);
    expect(offered).toBeGreaterThan(1.3 * CAPACITY_MILLIS - 8_000);
  });

  it("are the same for the same seed", () => {
    expect(drawArrivals(list, CAPACITY_MILLIS, 100)).toEqual(arrivals);
  });

  it("end with the list when nothing in it asks for a GPU", () => {
    const cpuOnly = { classes: [aTask({ gpuCount: 0, gpuMillis: 0 })], tasks: [0, 0, 0] };
    expect(drawArrivals(cpuOnly, CAPACITY_MILLIS, 1)).toEqual([0, 0, 0]);
  });
});

describe("random", () => {
  it("draws every value of its range about equally often", () => {
    const random = createRandom(5);
    const counts = new Array<number>(7).fill(0);
    for (let draw = 0; draw < 70_000; draw++) {
      const value = random.below(7);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
  });
});
