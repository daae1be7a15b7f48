import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NOT_NEEDED } from "./density.ts";
import { GPU_VALUE, type GpuPrices } from "./gpu-prices.ts";
import { costOf, cpuWorth, GPU_STEP, gpuWorth, nodeValue, UNLIMITED } from "./node-value.ts";
import type { Prices } from "./prices.ts";

const gpu: GpuPrices = {
  leftover: Int32Array.from({ length: 1001 }, (_, free) => free * 1000),
  cpu: { perUnit: 10_000, deviation: 200 },
  memory: { perUnit: 50_000, deviation: 1_000 },
  disk: NOT_NEEDED,
  network: NOT_NEEDED,
};
const prices: Prices = {
  gpu,
  cpu: {
    perMilli: 20,
    step: 20 * 250,
    memory: { perUnit: 4_000, deviation: 100 },
    disk: { perUnit: 1_000, deviation: 0 },
    network: NOT_NEEDED,
  },
  premiums: new Int32Array(),
};

describe("the worth of a node's GPUs", () => {
  const worth = (gpus: number, cpu: number, memory: number): number =>
    gpuWorth(gpu, gpus * GPU_VALUE, cpu, memory, 0, 0) / GPU_VALUE;

  it("is the value of their leftovers when cpu and memory are plentiful", () => {
    expect(worth(4, 400_000, 2_000_000)).toBeGreaterThan(3.999);
    expect(worth(4, 400_000, 2_000_000)).toBeLessThanOrEqual(4);
  });

  it("is what the scarcer of cpu and memory can serve when one is short", () => {
    expect(worth(4, 20_000, 2_000_000)).toBeCloseTo(2, 2);
    expect(worth(4, 400_000, 50_000)).toBeCloseTo(1, 2);
    expect(worth(4, 20_000, 50_000)).toBeCloseTo(1, 2);
  });

  it("heeds disk and network where demand asks for them", () => {
    const heavy = { ...gpu, disk: { perUnit: 100, deviation: 0 }, network: gpu.cpu };
    const value = (disk: number, network: number): number =>
      gpuWorth(heavy, 4 * GPU_VALUE, 400_000, 2_000_000, disk, network) / GPU_VALUE;
    expect(value(100, UNLIMITED)).toBeCloseTo(1, 2);
    expect(value(400, UNLIMITED)).toBeGreaterThan(3.99);
    expect(value(400, 20_000)).toBeCloseTo(2, 2);
  });

  it("is nothing without cpu, and nothing without GPU", () => {
    expect(worth(4, 0, 2_000_000)).toBe(0);
    expect(worth(0, 400_000, 2_000_000)).toBe(0);
  });
});

describe("the worth of a node's cpu", () => {
  const worth = (cpu: number, memory: number, disk: number, gpus = 0): number =>
    cpuWorth(prices, gpus * GPU_VALUE, cpu, memory, disk, 0) / prices.cpu.perMilli;

  it("is its free cpu when memory and disk are plentiful", () => {
    expect(worth(64_000, UNLIMITED, UNLIMITED)).toBe(64_000);
  });

  it("is what the scarcer of memory and disk can serve when one is short", () => {
    expect(worth(64_000, 128_000, UNLIMITED) / 1000).toBeCloseTo(32, 1);
    expect(worth(64_000, UNLIMITED, 16_000)).toBe(16_000);
    expect(worth(64_000, 0, UNLIMITED)).toBe(0);
  });

  it("leaves out what the node's own GPUs will need", () => {
    expect(worth(64_000, UNLIMITED, UNLIMITED, 4)).toBe(24_000);
    expect(worth(40_000, UNLIMITED, UNLIMITED, 4)).toBe(0);
    // 4 GPUs need 200,000 of memory too; what is beyond serves 10 cores.
    expect(worth(64_000, 240_000, UNLIMITED, 4) / 1000).toBeCloseTo(10, 1);
  });
});

describe("the value of a node", () => {
  const amount = (max: number) => fc.integer({ min: 0, max });
  const free = fc.tuple(amount(8_000), amount(200_000), amount(800_000), amount(50_000));

  it("is a whole number that never falls when more is free", () => {
    fc.assert(
      fc.property(free, fc.nat(3), fc.integer({ min: 1, max: 50_000 }), (given, at, more) => {
        const value = ([gpuMillis = 0, cpu = 0, memory = 0, disk = 0]: readonly number[]): number =>
          nodeValue(prices, gpuMillis * 1000, cpu, memory, disk, 0);
        const grown = given.with(at, (given[at] ?? 0) + (at === 0 ? more % 1000 : more));
        expect(Number.isSafeInteger(value(given))).toBe(true);
        // Rounding to a thousandth of a core may hide as much as that is worth.
        expect(value(grown)).toBeGreaterThanOrEqual(value(given) - 2 * prices.cpu.perMilli);
      }),
    );
  });

  it("is not distorted by amounts that are as good as unlimited", () => {
    const enough = gpuWorth(gpu, 8 * GPU_VALUE, UNLIMITED, UNLIMITED, 0, 0);
    expect(enough).toBe(8 * GPU_VALUE);
  });
});

describe("the cost of a placement", () => {
  it("is what is lost, GPU and cpu value each rounded up to its step", () => {
    const step = prices.cpu.step;
    expect(costOf(1, 0, step)).toBe(GPU_STEP);
    expect(costOf(0, 1, step)).toBe(step);
    expect(costOf(GPU_STEP + 1, 2 * step, step)).toBe(2 * GPU_STEP + 2 * step);
  });

  it("is less where a task takes what is left without its counterpart", () => {
    const cost = (cpu: number, memory: number): number =>
      cpuWorth(prices, 0, cpu, memory, UNLIMITED, 0) -
      cpuWorth(prices, 0, cpu - 4_000, memory - 1_024, UNLIMITED, 0);
    // A cpu-heavy task, on a node with little memory for its cpu and on one with plenty.
    expect(cost(32_000, 16_000)).toBeLessThan(cost(32_000, 256_000) / 10);
  });
});
