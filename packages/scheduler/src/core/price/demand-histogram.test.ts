import type { GpuRequest, WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { batchSpec, serviceSpec, systemSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import type { Capacity } from "./capacity.ts";
import { DemandHistogram } from "./demand-histogram.ts";
import { GPU_VALUE } from "./gpu-prices.ts";
import { LearnedPrices } from "./learned-prices.ts";

const capacity: Capacity = {
  gpuKinds: [
    { model: "NVIDIA H100", memoryMiB: 81_920, capacityMillis: 64_000 },
    { model: "NVIDIA T4", memoryMiB: 16_384, capacityMillis: 64_000 },
  ],
  besideGpus: { cpuMillis: 1_280_000, memoryMiB: 5_242_880 },
  elsewhere: { cpuMillis: 640_000, memoryMiB: 2_621_440 },
};

function workloadOf(spec: WorkloadSpec, parts: Partial<WorkloadRecord> = {}): WorkloadRecord {
  return { ...new TestCluster().apply(spec), ...parts };
}

function gpuJob(name: string, count: number, models: string[] = []): WorkloadRecord {
  const gpu = { count: 1, models, memoryMiB: 0 };
  return workloadOf(batchSpec({ name, count, resources: { cpuMillis: 8_000, gpu } }));
}

function noted(...workloads: readonly WorkloadRecord[]): DemandHistogram {
  const histogram = new DemandHistogram();
  for (const workload of workloads) histogram.note(workload);
  return histogram;
}

describe("the demand histogram", () => {
  it("counts services, and of batches what is not done; system work and what was stopped never", () => {
    const service = workloadOf(serviceSpec({ name: "web", count: 3 }));
    const counts = { placed: 0, running: 4, healthy: 4, stopping: 0, complete: 5, failed: 1 };
    const batch = workloadOf(batchSpec({ name: "job", count: 10 }), { counts });
    const stopped = workloadOf(serviceSpec({ name: "old", count: 9 }), { stopped: true });
    const system = workloadOf(systemSpec({ name: "agent" }));
    const classes = noted(service, batch, stopped, system).classes();
    expect(classes).toMatchObject([{ cpuMillis: 100, memoryMiB: 64, gpuCount: 0, count: 7 }]);
  });

  it("keeps classes apart by what they need and by the devices they accept", () => {
    const histogram = noted(gpuJob("a", 2), gpuJob("b", 3, ["H100"]), gpuJob("c", 4, ["h100"]));
    expect(histogram.classes()).toMatchObject([
      { gpuCount: 1, gpuMillis: 1000, models: [], count: 2 },
      { gpuCount: 1, gpuMillis: 1000, models: ["h100"], count: 7 },
    ]);
  });

  it("counts shares of GPUs as such, and slices of partitioned ones as work without", () => {
    const asking = (name: string, more: Partial<GpuRequest>): WorkloadRecord => {
      const gpu = { count: 1, models: [], memoryMiB: 0, ...more };
      return workloadOf(batchSpec({ name, resources: { gpu } }));
    };
    const share = asking("share", { shareMillis: 250 });
    const slice = asking("slice", { slice: "1g.10gb" });
    expect(noted(share, slice).classes()).toMatchObject([
      { gpuCount: 0, gpuMillis: 0 },
      { gpuCount: 1, gpuMillis: 250 },
    ]);
  });

  it("depends on the workloads as they are, not on how they came to be", () => {
    const names = ["a", "b", "c", "d"];
    const template = workloadOf(serviceSpec());
    const change = fc.record({
      name: fc.constantFrom(...names),
      count: fc.nat(40),
      cpuMillis: fc.constantFrom(100, 200, 400),
      removed: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const histogram = new DemandHistogram();
        const last = new Map<string, WorkloadRecord>();
        for (const { name, removed, count, cpuMillis } of changes) {
          const id = `default/${name}` as WorkloadRecord["id"];
          const spec = serviceSpec({ name, count, resources: { cpuMillis } });
          const workload = { ...template, id, spec };
          if (removed) histogram.forget(id);
          else histogram.note(workload);
          if (removed) last.delete(name);
          else last.set(name, workload);
          if (count % 7 === 0) histogram.markPriced();
        }
        const anew = noted(...[...last.values()].reverse());
        expect(histogram.classes()).toEqual(anew.classes());
        histogram.markPriced();
        expect(histogram.hasChanged).toBe(false);
      }),
    );
  });

  it("has changed once a quarter of the demand came or went, with GPUs or without", () => {
    const web = workloadOf(serviceSpec({ name: "web", count: 1_000 }));
    const histogram = noted(web, gpuJob("train", 100));
    histogram.markPriced();
    histogram.note(gpuJob("train", 124));
    expect(histogram.hasChanged).toBe(false);
    histogram.note(gpuJob("train", 125));
    expect(histogram.hasChanged).toBe(true);
    histogram.note(gpuJob("train", 100));
    expect(histogram.hasChanged).toBe(false);
    histogram.note(workloadOf(serviceSpec({ name: "web", count: 750 })));
    expect(histogram.hasChanged).toBe(true);
  });
});

describe("learned prices", () => {
  it("begin with the cluster's own density, and are made anew when demand has changed", () => {
    const prices = new LearnedPrices();
    expect(prices.refresh(capacity)).toBe(true);
    expect(prices.current.gpu.cpu).toEqual({ perUnit: 10_000, deviation: 0 });
    expect(prices.current.gpu.leftover[500]).toBe(GPU_VALUE / 2);
    expect(prices.refresh(capacity)).toBe(false);

    prices.note(gpuJob("train", 40));
    expect(prices.refresh(capacity)).toBe(true);
    expect(prices.current.gpu.cpu.perUnit).toBe(8_000);
    // Only whole GPUs are wanted, so a half is worth nothing.
    expect(prices.current.gpu.leftover[500]).toBe(0);
    prices.note(gpuJob("more", 4));
    expect(prices.refresh(capacity)).toBe(false);
    prices.note(gpuJob("much-more", 40, ["t4"]));
    expect(prices.refresh(capacity)).toBe(true);
    const [h100, t4] = prices.current.premiums;
    expect(h100).toBe(0);
    expect(t4).toBeGreaterThan(0);
  });

  it("are made anew when nodes bring a quarter more, or a kind of GPU that was not there", () => {
    const prices = new LearnedPrices();
    prices.refresh(capacity);
    const grownTo = (cpuMillis: number): Capacity => ({
      ...capacity,
      elsewhere: { ...capacity.elsewhere, cpuMillis },
    });
    expect(prices.refresh(grownTo(700_000))).toBe(false);
    expect(prices.refresh(grownTo(800_000))).toBe(true);
    const kind = { model: "NVIDIA L4", memoryMiB: 24_576, capacityMillis: 1_000 };
    const gpuKinds = [...capacity.gpuKinds, kind];
    expect(prices.refresh({ ...grownTo(800_000), gpuKinds })).toBe(true);
    expect(prices.current.premiums).toHaveLength(3);
  });

  it("forget what is gone", () => {
    const prices = new LearnedPrices();
    const job = gpuJob("train", 40);
    prices.note(job);
    prices.refresh(capacity);
    prices.forget(job.id);
    expect(prices.refresh(capacity)).toBe(true);
    expect(prices.current.gpu.cpu).toEqual({ perUnit: 10_000, deviation: 0 });
  });
});
