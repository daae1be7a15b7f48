import { limits } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { evaluate, needsEvaluation } from "./evaluate.ts";
import { nextWakeUnixMs } from "./wake.ts";

describe("a pass", () => {
  test("has nothing to say when nothing has changed", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 3 }));
    expect(needsEvaluation(cluster.state, cluster.nowUnixMs)).toBe(false);
    expect(evaluate(cluster.state, cluster.nowUnixMs)).toEqual({
      events: [],
      wholes: [],
      more: false,
    });
  });

  test("places the most urgent first, then the oldest", () => {
    const cluster = new TestCluster().join(1);
    const whole = { resources: { cpuMillis: 4_000 } };
    for (const spec of [
      batchSpec({ name: "old", ...whole }),
      batchSpec({ name: "urgent", priority: 90, ...whole }),
      batchSpec({ name: "new", ...whole }),
    ]) {
      const id = `default/${spec.name}` as never;
      cluster.append([{ type: "WorkloadApplied", workloadId: id, version: 1, spec }]);
    }
    cluster.settle();
    expect(cluster.live("urgent")).toHaveLength(1);
    cluster.startAll().end(cluster.only("urgent"), "complete").settle();
    expect(cluster.live("old")).toHaveLength(1);
    expect(cluster.live("new")).toHaveLength(0);
  });

  test("is bounded, and the next one goes on from there", () => {
    const cluster = new TestCluster().join(20);
    const spec = batchSpec({ count: 700 });
    const id = "default/job" as never;
    cluster.append([{ type: "WorkloadApplied", workloadId: id, version: 1, spec }]);
    const { events, more } = evaluate(cluster.state, cluster.nowUnixMs);
    expect(JSON.stringify(events).length).toBeLessThan(limits.evaluationBytesMax + 1_000);
    expect(more).toBe(true);
    cluster.append(events);
    cluster.settle();
    expect(cluster.live("job")).toHaveLength(700);
  });

  test("counts on the room that it has given away itself", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(batchSpec({ count: 9, resources: { cpuMillis: 1_000 } }));
    expect(cluster.live("job")).toHaveLength(8);
    expect(cluster.workload("job").pending).toMatchObject([
      { count: 1, explanation: { rejections: [{ code: "cpu.free", nodes: 2, best: 0 }] } },
    ]);
  });

  test("[INV8] explains thousands of equal indexes once", () => {
    const cluster = new TestCluster().join(3);
    cluster.apply(
      batchSpec({ count: 10_000, resources: { gpu: { count: 8, models: [], memoryMiB: 0 } } }),
    );
    const events = cluster.log.at(-1)?.events ?? [];
    expect(events.map(({ type }) => type)).toEqual(["WorkloadEvaluated"]);
    expect(cluster.workload("job").pending).toMatchObject([
      {
        count: 10_000,
        indexes: [[0, 9_999]],
        explanation: {
          nodesTotal: 3,
          rejections: [{ code: "gpu.capacity", requested: 8, best: 0 }],
        },
      },
    ]);
  });

  test("[INV8] what waits is explained from the moment it is accepted", () => {
    const cluster = new TestCluster().join(1);
    const id = "default/job" as never;
    cluster.append([
      { type: "WorkloadApplied", workloadId: id, version: 1, spec: batchSpec({ count: 3 }) },
    ]);
    expect(cluster.workload("job").pending).toEqual([
      { count: 3, indexes: [[0, 2]], explanation: { reason: "queued" } },
    ]);
  });

  test("[INV8] explanations follow the cluster", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(batchSpec({ name: "big", resources: { cpuMillis: 4_000, memoryMiB: 1_000 } }));
    cluster.apply(batchSpec({ name: "next", priority: 90, resources: { cpuMillis: 2_000 } }));
    const rejections = () => cluster.workload("next").pending[0]?.explanation;
    expect(rejections()).toMatchObject({
      nodesTotal: 1,
      rejections: [{ code: "cpu.free", best: 0 }],
    });
    cluster.join(1, () => nodeDescription(7, { drivers: [] })).settle();
    expect(rejections()).toMatchObject({
      nodesTotal: 2,
      rejections: [{ code: "driver.unavailable" }, { code: "cpu.free" }],
    });
    cluster.startAll().end(cluster.only("big"), "complete").settle();
    expect(cluster.live("next")).toHaveLength(1);
    expect(cluster.workload("next").pending).toEqual([]);
  });

  test("the nearest fits list everything a node lacks, fewest first", () => {
    const cluster = new TestCluster().join(2, (n) =>
      nodeDescription(n, { gpus: n === 0 ? [] : [gpu(1)] }),
    );
    cluster.apply(
      batchSpec({ resources: { cpuMillis: 5_000, gpu: { count: 1, models: [], memoryMiB: 0 } } }),
    );
    expect(cluster.workload("job").pending[0]?.explanation).toMatchObject({
      nearest: [
        {
          nodeName: "n1",
          shortfalls: [{ code: "cpu.capacity", requested: 5_000, available: 4_000 }],
        },
        { nodeName: "n0", shortfalls: [{ code: "gpu.capacity" }, { code: "cpu.capacity" }] },
      ],
    });
  });
});

describe("time alone", () => {
  test("wakes the scheduler when a backoff ends", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
    cluster.startAll().end(cluster.only("web"), "failed").settle();
    const wakeUnixMs = cluster.nowUnixMs + 1_000;
    expect(nextWakeUnixMs(cluster.state)).toBe(wakeUnixMs);
    expect(needsEvaluation(cluster.state, wakeUnixMs - 1)).toBe(false);
    cluster.nowUnixMs = wakeUnixMs;
    expect(needsEvaluation(cluster.state, wakeUnixMs)).toBe(true);
    cluster.settle();
    expect(cluster.only("web").attempt).toBe(2);
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
  });

  test("wakes it at a drain's deadline, once", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.converge();
    cluster.command("node.drain", {
      node: "n0",
      deadlineMs: 9_000,
      ignoreSystem: false,
      reason: null,
    });
    cluster.settle();
    expect(nextWakeUnixMs(cluster.state)).toBe(cluster.nowUnixMs + 9_000);
    cluster.nowUnixMs += 9_000;
    cluster.settle();
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
  });

  test("many backoffs share a bounded number of explanations and lose no wake-up", () => {
    const cluster = new TestCluster().join(5);
    cluster.apply(batchSpec({ count: 40 }));
    cluster.startAll();
    for (const allocation of cluster.live("job")) {
      cluster.nowUnixMs += 10;
      cluster.end(allocation, "failed");
    }
    cluster.settle();
    expect(cluster.workload("job").pending).toHaveLength(1);
    for (let waits = 0; waits < 200 && cluster.live("job").length < 40; waits += 1) {
      cluster.nowUnixMs = nextWakeUnixMs(cluster.state) ?? cluster.nowUnixMs;
      cluster.settle();
    }
    expect(cluster.live("job")).toHaveLength(40);
  });

  test("[INV8] scattered indexes fit one event, and none is left unexplained", () => {
    const cluster = new TestCluster().join(5, (n) =>
      nodeDescription(n, {
        capacity: { ...nodeDescription(n).capacity, cpuMillis: 4_000_000, memoryMiB: 4_000_000 },
      }),
    );
    cluster.apply(batchSpec({ count: 4_100 }));
    cluster.startAll();
    cluster.append(
      cluster
        .live("job")
        .filter(({ index }) => index % 2 === 0)
        .map(({ id }) => ({
          type: "AllocationFinished",
          allocationId: id,
          outcome: "failed",
          exit: { kind: "code", code: 1 },
          startedAtUnixMs: null,
          finishedAtUnixMs: cluster.nowUnixMs,
          message: null,
        })),
    );
    const events = cluster.settle();
    expect(events.map(({ type }) => type)).toEqual(["WorkloadEvaluated"]);
    expect(JSON.stringify(events).length).toBeLessThan(limits.entryBytesMax);
    const [listed, queued] = cluster.workload("job").pending;
    expect([listed?.explanation.reason, queued?.explanation.reason]).toEqual(["backoff", "queued"]);
    expect((listed?.count ?? 0) + (queued?.count ?? 0)).toBe(2_050);
    cluster.nowUnixMs = nextWakeUnixMs(cluster.state) ?? 0;
    cluster.settle();
    expect(cluster.live("job")).toHaveLength(4_100);
    expect(cluster.workload("job").pending).toEqual([]);
  });
});
