import type { ProjectName } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { batchSpec, gpu, nodeDescription, serviceSpec, systemSpec } from "../testing/builders.ts";
import { project, QueueCluster } from "../testing/queue-cluster.ts";

const core = { cpuMillis: 1_000 };

function of(name: string): ProjectName {
  return name as ProjectName;
}

describe("a pass", () => {
  test("goes back and forth between projects, however much one of them asks for", () => {
    const cluster = new QueueCluster().join(50);
    cluster
      .submit([
        batchSpec({ project: of("a"), name: "flood", count: 1_000, resources: core }),
        batchSpec({ project: of("b"), name: "one", count: 60, resources: core }),
      ])
      .settle();
    expect([cluster.count("a/flood"), cluster.count("b/one")]).toEqual([140, 60]);
  });

  test("gives each project its weighted part of a full cluster", () => {
    const cluster = new QueueCluster().join(100).configure(project("a", { weight: 3 }));
    cluster
      .submit([
        batchSpec({ project: of("a"), count: 1_000, resources: core }),
        batchSpec({ project: of("b"), count: 1_000, resources: core }),
      ])
      .settle();
    const [a, b] = [cluster.count("a/job"), cluster.count("b/job")];
    expect(a + b).toBe(400);
    expect(Math.abs(a - 300)).toBeLessThanOrEqual(64);
  });

  test("counts what projects hold from before", () => {
    const cluster = new QueueCluster().join(2);
    cluster.apply(serviceSpec({ project: of("a"), count: 4, resources: core }));
    cluster
      .submit([
        batchSpec({ project: of("a"), name: "older", count: 4, resources: core }),
        batchSpec({ project: of("b"), name: "newer", count: 4, resources: core }),
      ])
      .settle();
    expect([cluster.count("a/older"), cluster.count("b/newer")]).toEqual([0, 4]);
  });
});

describe("a quota", () => {
  test("[INV7] [INV8] is never exceeded, and what it keeps waiting says so with numbers", () => {
    const cluster = new QueueCluster()
      .join(4)
      .configure(project("lab", { limit: { cpuMillis: 3_000 } }), project("a", { parent: "lab" }));
    cluster.apply(batchSpec({ project: of("lab"), name: "base", resources: core }));
    cluster.apply(batchSpec({ project: of("a"), count: 5, resources: core }));
    expect(cluster.count("a/job")).toBe(2);
    expect(cluster.workload("a/job").pending).toEqual([
      {
        count: 3,
        indexes: [[2, 4]],
        explanation: {
          reason: "quota",
          project: "lab",
          dimension: "cpuMillis",
          limit: 3_000,
          used: 3_000,
          requested: 1_000,
        },
      },
    ]);
    cluster.startAll().end(cluster.only("lab/base"), "complete").settle();
    expect(cluster.count("a/job")).toBe(3);
  });

  test("that is raised lets what waited for it start", () => {
    const cluster = new QueueCluster()
      .join(1)
      .configure(project("a", { limit: { cpuMillis: 1_000 } }));
    cluster.apply(batchSpec({ project: of("a"), count: 3, resources: core }));
    expect(cluster.count("a/job")).toBe(1);
    cluster.configure(project("a", { limit: { cpuMillis: 2_000 } })).settle();
    expect(cluster.count("a/job")).toBe(2);
  });

  test("counts GPUs in thousandths of a device", () => {
    const cluster = new QueueCluster()
      .join(1, () => nodeDescription(0, { gpus: [gpu(1), gpu(2)] }))
      .configure(project("a", { limit: { gpuMillis: 1_500 } }));
    const half = { count: 1, models: [], memoryMiB: 0, shareMillis: 500 };
    cluster.apply(batchSpec({ project: of("a"), count: 4, resources: { gpu: half } }));
    expect(cluster.count("a/job")).toBe(3);
  });

  test("holds for system workloads too", () => {
    const cluster = new QueueCluster()
      .join(3)
      .configure(project("a", { limit: { cpuMillis: 250 } }));
    cluster.apply(systemSpec({ project: of("a") }));
    expect(cluster.count("a/agent")).toBe(2);
    expect(cluster.reasons("a/agent")).toEqual(["quota"]);
  });

  test("an index that neither fits nor is over the limit says that it fits nowhere", () => {
    const cluster = new QueueCluster()
      .join(1)
      .configure(project("a", { limit: { cpuMillis: 9_000 } }));
    cluster.apply(batchSpec({ project: of("a"), count: 3, resources: { cpuMillis: 4_000 } }));
    expect(cluster.count("a/job")).toBe(1);
    expect(cluster.reasons("a/job")).toEqual(["no_fit"]);
  });
});
