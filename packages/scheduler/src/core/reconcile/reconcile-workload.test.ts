import { limits } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { Liveness } from "../node/liveness.ts";
import {
  batchSpec,
  httpCheck,
  nodeDescription,
  nodeId,
  serviceSpec,
  systemSpec,
} from "../testing/builders.ts";
import { running, TestCluster } from "../testing/test-cluster.ts";

const v2 = { driver: "process" as const, command: ["run", "v2"], env: {}, workDir: null };
const statuses = (cluster: TestCluster, id: string) => cluster.live(id).map(({ status }) => status);

describe("a service", () => {
  test("runs indexes 0 to count - 1", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 3 }));
    expect(cluster.live("web").map(({ index }) => index)).toEqual([0, 1, 2]);
  });

  test("scaled down stops the highest indexes, and keeps the others as they are", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 3 }));
    const [first] = cluster.converge().live("web");
    cluster.apply(serviceSpec({ count: 1 }));
    expect(statuses(cluster, "web")).toEqual(["running", "stopping", "stopping"]);
    expect(
      cluster
        .live("web")
        .slice(1)
        .every((a) => a.stopReason === "workload.scaled"),
    ).toBe(true);
    cluster.endStopping().settle();
    expect(cluster.only("web").id).toBe(first?.id);
    expect(cluster.workload("web").version).toBe(2);
  });

  test("changing its priority, restart or update policy replaces nothing", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    const { id } = cluster.converge().only("web");
    cluster.apply(serviceSpec({ priority: 90, update: { maxUnavailable: 2 } }));
    expect(cluster.converge().only("web").id).toBe(id);
  });

  test("updates no more than maxUnavailable at once, and says what waits", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 3 }));
    cluster.converge();
    cluster.apply(serviceSpec({ count: 3, task: v2 }));
    expect(statuses(cluster, "web")).toEqual(["stopping", "running", "running"]);
    expect(
      cluster.workload("web").pending.map(({ count, explanation }) => [count, explanation]),
    ).toEqual([
      [2, { reason: "update", unavailable: 1, maxUnavailable: 1 }],
      [1, { reason: "predecessor", allocationId: "a1", nodeName: expect.any(String) }],
    ]);
    cluster.endStopping().settle();
    // The replacement is placed, and not available before it runs.
    expect(statuses(cluster, "web")).toEqual(["placed", "running", "running"]);
    cluster.startAll().settle();
    expect(statuses(cluster, "web")).toEqual(["running", "stopping", "running"]);
    cluster.converge();
    expect(cluster.live("web").every(({ workloadVersion }) => workloadVersion === 2)).toBe(true);
    expect(cluster.workload("web").pending).toEqual([]);
  });

  test("an update waits until a replacement is healthy", () => {
    const cluster = new TestCluster().join(2);
    const ports = { http: { static: null } };
    cluster.apply(serviceSpec({ count: 2, check: httpCheck, ports }));
    cluster.startAll("healthy").settle();
    cluster.apply(serviceSpec({ count: 2, check: httpCheck, ports, task: v2 }));
    cluster.endStopping().settle();
    cluster.startAll("starting").settle();
    expect(statuses(cluster, "web")).toEqual(["running", "running"]);
    const [replaced] = cluster.live("web");
    if (replaced)
      cluster.report(replaced.nodeId, [running(replaced, { health: "healthy" })]).settle();
    expect(statuses(cluster, "web")).toEqual(["running", "stopping"]);
  });

  test("an allocation that does not serve anyway is replaced without waiting for its turn", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 2, check: httpCheck, ports: { http: { static: null } } }));
    cluster.startAll("starting").settle();
    cluster.apply(serviceSpec({ count: 2, task: v2 }));
    expect(statuses(cluster, "web")).toEqual(["stopping", "stopping"]);
  });

  test("an unhealthy allocation is stopped and counts as a failure", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ check: httpCheck, ports: { http: { static: null } } }));
    cluster.startAll("healthy").settle();
    const allocation = cluster.only("web");
    cluster.report(allocation.nodeId, [running(allocation, { health: "unhealthy" })]).settle();
    expect(cluster.only("web")).toMatchObject({ status: "stopping", stopReason: "unhealthy" });
    cluster.endStopping().settle();
    expect(cluster.workload("web").pending[0]?.explanation).toMatchObject({
      reason: "backoff",
      failures: 1,
      lastFailure: "was unhealthy",
    });
  });

  test("an exit is a failure, even a good one: it comes back after its backoff", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.startAll().end(cluster.only("web"), "complete").settle();
    expect(cluster.live("web")).toEqual([]);
    cluster.nowUnixMs += 1_000;
    cluster.settle();
    expect(cluster.only("web").attempt).toBe(2);
  });

  test("what was stopped on its server has not failed: it comes back at once", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.converge();
    const before = cluster.only("web");
    cluster.end(before, "stopped").converge();
    expect(cluster.only("web")).toMatchObject({ status: "running", attempt: 2 });
    expect(cluster.workload("web").pending).toEqual([]);
  });

  test("an allocation that nobody confirmed is asked to stop once somebody does", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.command("workload.stop", { workload: "web" });
    cluster.settle();
    expect(statuses(cluster, "web")).toEqual(["placed"]);
    cluster.startAll().settle();
    expect(statuses(cluster, "web")).toEqual(["stopping"]);
  });
});

describe("a batch", () => {
  test("runs each index until it ends well, and then no more", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(batchSpec({ count: 2 }));
    cluster.startAll();
    for (const allocation of cluster.live("job")) cluster.end(allocation, "complete");
    expect(cluster.settle()).toEqual([]);
    expect(cluster.workload("job").counts).toMatchObject({ complete: 2, failed: 0 });
  });

  test("gives an index up after its attempts, while the others go on", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(batchSpec({ count: 2 }));
    for (let failure = 0; failure < 4; failure += 1) {
      const allocation = cluster
        .startAll()
        .live("job")
        .find(({ index }) => index === 0);
      if (allocation) cluster.end(allocation, "failed");
      cluster.nowUnixMs += 10_000;
      cluster.settle();
    }
    expect(cluster.only("job").index).toBe(1);
    expect(cluster.workload("job").counts.failed).toBe(1);
  });

  test("a new task runs everything again; a higher count only what is new", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(batchSpec());
    cluster.startAll().end(cluster.only("job"), "complete");
    cluster.apply(batchSpec({ count: 2 }));
    expect(cluster.only("job").index).toBe(1);
    cluster.startAll().end(cluster.only("job"), "complete");
    cluster.apply(batchSpec({ count: 2, task: v2 }));
    expect(cluster.live("job").map(({ index, attempt }) => [index, attempt])).toEqual([
      [0, 1],
      [1, 1],
    ]);
  });

  test("losing its node costs no attempt and no wait", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(batchSpec({ restart: { ...batchSpec().restart, attempts: 0 } }));
    cluster.startAll().end(cluster.only("job"), "lost").settle();
    expect(cluster.only("job")).toMatchObject({ status: "placed", attempt: 2 });
  });
});

describe("a system workload", () => {
  test("runs once on each matching node, also on one that joins later", () => {
    const rack = (n: number) => nodeDescription(n, { labels: { rack: n % 2 === 0 ? "a" : "b" } });
    const cluster = new TestCluster().join(3, rack);
    cluster.apply(systemSpec({ constraints: ["node.labels.rack == a"] }));
    cluster.join(2, rack).settle();
    expect(cluster.live("agent").map(({ nodeName }) => nodeName)).toEqual(["n0", "n2", "n4"]);
    expect(cluster.live("agent").map(({ index }) => index)).toEqual([1, 3, 5]);
  });

  test("explains each node that cannot take it, and only those", () => {
    const small = { cpuMillis: 50, memoryMiB: 8_192, diskMiB: 0, networkMbps: null };
    const cluster = new TestCluster().join(3, (n) =>
      nodeDescription(n, n === 1 ? { capacity: small } : {}),
    );
    cluster.apply(systemSpec());
    expect(cluster.live("agent")).toHaveLength(2);
    expect(cluster.workload("agent").pending).toMatchObject([
      {
        count: 1,
        indexes: [[2, 2]],
        explanation: {
          reason: "no_fit",
          nodesTotal: 1,
          rejections: [{ code: "cpu.capacity", nodes: 1 }],
        },
      },
    ]);
  });

  test("leaves a node that no longer matches, and stays on one that is cordoned", () => {
    const labelled = (rack: string) => nodeDescription(0, { labels: { rack } });
    const cluster = new TestCluster().hello(labelled("a"));
    cluster.apply(systemSpec({ constraints: ["node.labels.rack == a"] }));
    cluster.startAll().command("node.cordon", { node: "n0", reason: null });
    cluster.settle();
    const allocation = cluster.only("agent");
    expect(allocation.status).toBe("running");
    cluster.hello(labelled("b"), [running(allocation)]).settle();
    expect(cluster.only("agent")).toMatchObject({
      status: "stopping",
      stopReason: "node.unmatched",
    });
  });

  test("updates node by node", () => {
    const cluster = new TestCluster().join(3);
    cluster.apply(systemSpec());
    cluster.converge();
    cluster.apply(systemSpec({ task: v2 }));
    expect(statuses(cluster, "agent").filter((status) => status === "stopping")).toHaveLength(1);
    cluster.converge();
    expect(cluster.live("agent").every(({ workloadVersion }) => workloadVersion === 2)).toBe(true);
  });
});

describe("a drain", () => {
  function drained(ignoreSystem = false, deadlineMs: number | null = null) {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.apply(batchSpec());
    cluster.apply(systemSpec());
    cluster.converge().join(1).converge();
    cluster.command("node.drain", { node: "n0", deadlineMs, ignoreSystem, reason: null });
    cluster.settle();
    return cluster;
  }
  const onDrained = (cluster: TestCluster) =>
    [...(cluster.state.nodes.get(nodeId(0))?.live ?? [])].map((id) => {
      const allocation = cluster.state.allocations.get(id);
      return `${allocation?.spec.name}[${allocation?.index}] ${allocation?.status}`;
    });

  test("moves a service at its own pace, a batch at once, and system work last", () => {
    const cluster = drained();
    expect(onDrained(cluster)).toEqual([
      "web[0] stopping",
      "web[1] running",
      "job[0] stopping",
      "agent[1] running",
    ]);
    cluster.converge();
    expect(onDrained(cluster)).toEqual([]);
    expect(cluster.live("web").map(({ nodeName }) => nodeName)).toEqual(["n1", "n1"]);
    expect(cluster.live("agent").map(({ nodeName }) => nodeName)).toEqual(["n1"]);
  });

  test("may leave system work where it is", () => {
    expect(onDrained(drained(true).converge())).toEqual(["agent[1] running"]);
  });

  test("leaves system work that stays to the pace of its own updates, whatever its deadline", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(systemSpec());
    cluster.converge();
    const drain = { deadlineMs: 5_000, ignoreSystem: true, reason: null };
    cluster.command("node.drain", { node: "n1", ...drain });
    cluster.apply(systemSpec({ task: v2 }));
    expect(statuses(cluster, "agent")).toEqual(["stopping", "running"]);
    cluster.nowUnixMs += 5_000;
    cluster.apply(systemSpec({ task: v2, priority: 10 })); // so that it is looked at again
    expect(statuses(cluster, "agent")).toEqual(["stopping", "running"]);
  });

  test("asks nobody any more when its deadline has passed", () => {
    const cluster = drained(false, 5_000);
    cluster.nowUnixMs += 5_000;
    cluster.settle();
    expect(onDrained(cluster).every((text) => text.endsWith("stopping"))).toBe(true);
  });
});

describe("whatever the kind", () => {
  test("work on a node that is down is placed elsewhere at once", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec());
    cluster.converge();
    const before = cluster.only("web");
    const liveness = new Liveness();
    liveness.leaderStarted(0);
    for (let ms = 1_000; ms <= 10_000; ms += 1_000) {
      liveness.beat(before.nodeId === nodeId(0) ? nodeId(1) : nodeId(0), ms);
      cluster.append(liveness.due(cluster.state, ms, cluster.nowUnixMs));
    }
    cluster.settle();
    expect(cluster.only("web").nodeId).not.toBe(before.nodeId);
    expect(cluster.state.allocations.get(before.id)?.outcome).toBe("lost");
  });

  test("[INV2] an index is not placed before its former allocation has ended", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec());
    cluster.converge();
    cluster.apply(serviceSpec({ task: v2 }));
    expect(cluster.live("web")).toHaveLength(1);
    expect(cluster.workload("web").pending[0]?.explanation.reason).toBe("predecessor");
  });

  test("history is bounded per index", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    for (let failure = 0; failure < 12; failure += 1) {
      cluster.startAll().end(cluster.only("web"), "failed");
      cluster.nowUnixMs += 3_600_000;
      cluster.settle();
    }
    const kept = limits.finishedAllocationsPerIndexMax;
    expect(cluster.workload("web").slots.get(0)?.history).toHaveLength(kept);
    expect(cluster.state.allocations.size).toBe(kept + 1);
  });

  test("removed work is forgotten once it has ended", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.converge().command("workload.remove", { workload: "web" });
    cluster.settle();
    expect(cluster.workload("web").removing).toBe(true);
    cluster.endStopping().settle();
    expect(cluster.state.workloads.size).toBe(0);
    expect(cluster.state.allocations.size).toBe(0);
  });

  test("stopped work starts again where it is applied again", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.converge().command("workload.stop", { workload: "web" });
    cluster.converge();
    expect(cluster.live("web")).toEqual([]);
    cluster.apply(serviceSpec());
    expect(cluster.only("web").status).toBe("placed");
  });
});
