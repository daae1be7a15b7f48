import {
  type AllocationId,
  api,
  type ApiMethod,
  type ApiParams,
  type ApiReply,
  describeNoFit,
} from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { stateHash } from "../state/state-hash.ts";
import {
  batchSpec,
  httpCheck,
  nodeDescription,
  nodeId,
  serviceSpec,
  systemSpec,
} from "../testing/builders.ts";
import { running, TestCluster } from "../testing/test-cluster.ts";
import { handleQuery, type ReadMethod } from "./handle-query.ts";

/** Asks as the shell does, and holds the answer against the method's own schema. */
function ask<M extends ReadMethod>(
  cluster: TestCluster,
  method: M,
  params: Record<string, unknown> = {},
): ApiReply<M> {
  const schema: { request: { parse(v: unknown): unknown }; reply: { parse(v: unknown): unknown } } =
    api[method as ApiMethod];
  const parsed = schema.request.parse(params) as ApiParams<M>;
  const result = handleQuery(cluster.state, method, parsed, { nowUnixMs: cluster.nowUnixMs });
  if (!result.ok) throw new Error(result.error.message);
  expect(schema.reply.parse(JSON.parse(JSON.stringify(result.value)))).toEqual(result.value);
  return result.value;
}

const web = { kind: "service", name: "web", task: { command: ["run"] } };
const statusOf = (cluster: TestCluster, id: string) =>
  ask(cluster, "workload.get", { workload: id }).status;

describe("the status of a service", () => {
  test("goes from pending over progressing to running", () => {
    const cluster = new TestCluster();
    cluster.apply(serviceSpec({ count: 2 }));
    expect(statusOf(cluster, "web")).toBe("pending");
    cluster.join(1).settle();
    const [first] = cluster.live("web");
    if (first) cluster.report(first.nodeId, [running(first)]);
    expect(statusOf(cluster, "web")).toBe("progressing");
    cluster.converge();
    expect(ask(cluster, "workload.get", { workload: "web" })).toMatchObject({
      status: "running",
      desired: 2,
      running: 2,
      healthy: 2,
      pending: 0,
      reason: null,
    });
  });

  test("is progressing until its checks pass", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ check: httpCheck, ports: { http: { static: null } } }));
    cluster.startAll("starting").settle();
    expect(statusOf(cluster, "web")).toBe("progressing");
    cluster.report(nodeId(0), [running(cluster.only("web"), { health: "healthy" })]).settle();
    expect(statusOf(cluster, "web")).toBe("running");
  });

  test("is degraded while it waits after a failure, and says so", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.startAll().end(cluster.only("web"), "failed").settle();
    expect(ask(cluster, "workload.get", { workload: "web" })).toMatchObject({
      status: "degraded",
      failed: 1,
      pending: 1,
      reason: "failed once, last: it exited with code 1; waits before the next attempt",
    });
  });

  test("is stopping, then stopped, on request", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.converge().command("workload.stop", { workload: "web" });
    cluster.settle();
    expect(statusOf(cluster, "web")).toBe("stopping");
    cluster.converge();
    expect(ask(cluster, "workload.get", { workload: "web" })).toMatchObject({
      status: "stopped",
      desired: 0,
    });
  });

  test("with nothing to run is running", () => {
    const cluster = new TestCluster();
    cluster.apply(serviceSpec({ count: 0 }));
    expect(statusOf(cluster, "web")).toBe("running");
  });
});

describe("the status of other kinds", () => {
  test("a batch is complete when all of it is, and failed when some of it was given up", () => {
    const cluster = new TestCluster().join(1);
    const restart = { ...batchSpec().restart, attempts: 0 };
    cluster.apply(batchSpec({ count: 2, restart }));
    cluster.startAll();
    expect(statusOf(cluster, "job")).toBe("running");
    const [first, second] = cluster.live("job");
    if (first) cluster.end(first, "complete").settle();
    if (second) cluster.end(second, "failed").settle();
    expect(ask(cluster, "workload.get", { workload: "job" })).toMatchObject({
      status: "failed",
      complete: 1,
      failed: 1,
      reason: "1 of 2 given up, it exited with code 1",
    });
    cluster.apply(batchSpec({ name: "good" }));
    cluster.startAll().end(cluster.only("good"), "complete").settle();
    expect(statusOf(cluster, "good")).toBe("complete");
  });

  test("a system workload without a matching node waits for one, and says so", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(systemSpec({ constraints: ["exists node.labels.x"] }));
    expect(ask(cluster, "workload.get", { workload: "agent" })).toMatchObject({
      status: "pending",
      desired: 0,
      reason: "no node meets its constraints",
    });
  });
});

describe("a plan", () => {
  const plan = (cluster: TestCluster, ...workloads: unknown[]) =>
    ask(cluster, "workload.plan", { workloads }).results;

  test("is what apply then does, and changes nothing", () => {
    const cluster = new TestCluster().join(3);
    const before = stateHash(cluster.state);
    const [planned] = plan(cluster, { ...web, count: 4, resources: { cpu: "1" } });
    expect(stateHash(cluster.state)).toBe(before);
    expect(cluster.settle()).toEqual([]);
    cluster.command("workload.apply", {
      workloads: [{ ...web, count: 4, resources: { cpu: "1" } }],
    });
    cluster.settle();
    expect(planned).toMatchObject({
      change: "created",
      diff: [],
      placed: 4,
      stopped: 0,
      unplaced: 0,
      noFit: null,
    });
    expect(planned?.placements.map(({ index, nodeName }) => [index, nodeName])).toEqual(
      cluster.live("web").map(({ index, nodeName }) => [index, nodeName]),
    );
  });

  test("of an update names the changed fields and everything it will replace", () => {
    const cluster = new TestCluster().join(1);
    cluster.command("workload.apply", { workloads: [{ ...web, count: 3 }] });
    cluster.converge();
    const [planned] = plan(cluster, { ...web, count: 2, task: { command: ["run", "v2"] } });
    expect(planned).toMatchObject({
      change: "updated",
      diff: [
        { path: "count", before: 3, after: 2 },
        { path: "task.command[1]", before: null, after: "v2" },
      ],
      stopped: 3,
      placed: 2,
    });
    expect(plan(cluster, { ...web, count: 3 })).toMatchObject([
      { change: "unchanged", stopped: 0, placed: 0 },
    ]);
  });

  test("of more than there is says how many fit, and why the rest does not", () => {
    const cluster = new TestCluster().join(1);
    const [planned] = plan(cluster, { ...web, count: 5, resources: { cpu: "1" } });
    expect(planned).toMatchObject({
      placed: 4,
      unplaced: 1,
      noFit: { rejections: [{ code: "cpu.free" }] },
    });
  });

  test("of several workloads counts what the more urgent ones take", () => {
    const cluster = new TestCluster().join(1);
    const whole = { ...web, resources: { cpu: "4" } };
    const results = plan(cluster, whole, { ...whole, name: "urgent", priority: 90 });
    expect(results.map(({ workload, placed }) => [workload, placed])).toEqual([
      ["default/web", 0],
      ["default/urgent", 1],
    ]);
  });
});

describe("why", () => {
  test("[INV8] gives the reasons of what waits and of what is placed", () => {
    const cluster = new TestCluster().join(2, (n) =>
      nodeDescription(n, { drivers: n === 0 ? [] : nodeDescription(n).drivers }),
    );
    cluster.apply(batchSpec({ count: 2, resources: { cpuMillis: 3_000 } }));
    const why = ask(cluster, "workload.why", { workload: "job" });
    expect(why.nodesTotal).toBe(2);
    expect(why.placed.map((one) => one.why?.candidates[0]?.nodeName)).toEqual(["n1"]);
    const [group] = why.pending;
    expect(group?.explanation).toMatchObject({ nodesTotal: 2 });
    expect(group?.explanation.reason === "no_fit" && describeNoFit(group.explanation)).toBe(
      "fits none of 2 nodes: 1 node has no working driver for it; needs 3 cpu, more than 1 node has free (most: 1)",
    );
  });
});

describe("what would help", () => {
  test("why names what has to end on the nearest nodes, the least important first, and until when", () => {
    const cluster = new TestCluster().join(1);
    const hour = 3_600_000;
    cluster.apply(serviceSpec({ name: "shop", priority: 80, resources: { cpuMillis: 2_000 } }));
    cluster.apply(
      batchSpec({
        name: "train",
        priority: 20,
        resources: { cpuMillis: 2_000 },
        placement: { timeLimitMs: hour },
      }),
    );
    cluster.apply(batchSpec({ resources: { cpuMillis: 2_000 } }));
    const train = cluster.only("train");
    const endsByUnixMs = train.placedAtUnixMs + hour + train.spec.stop.graceMs;
    const [group] = ask(cluster, "workload.why", { workload: "job" }).pending;
    expect(group?.explanation).toMatchObject({
      nearest: [
        {
          nodeName: "n0",
          freedBy: {
            count: 1,
            allocations: [
              { allocation: train.id, workload: "default/train", priority: 20, endsByUnixMs },
            ],
            endsByUnixMs,
          },
        },
      ],
    });
    expect(cluster.workload("job").pending[0]?.explanation).not.toHaveProperty("nearest.0.freedBy");
  });

  test("plan names the largest smaller request, and what has to end beside what it ends itself", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ name: "web", resources: { cpuMillis: 3_000 } }));
    cluster.apply(serviceSpec({ name: "shop", resources: { cpuMillis: 3_000 } }));
    const plan = ask(cluster, "workload.plan", {
      workloads: [
        { ...web, resources: { cpu: "5" } },
        { ...web, name: "new", resources: { cpu: "2" }, count: 2 },
      ],
    });
    const [larger, beside] = plan.results;
    expect(larger?.noFit).toMatchObject({
      smaller: [{ dimension: "cpuMillis", requested: 5_000, fits: 4_000 }],
    });
    expect(larger?.noFit?.nearest.some(({ freedBy }) => freedBy)).toBe(false);
    // What web's update ends is free already: two of the new one go there.
    expect(beside).toMatchObject({ placed: 2, noFit: null });
  });
});

describe("lists and numbers", () => {
  test("the cluster in numbers", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.apply(batchSpec({ resources: { cpuMillis: 9_000 } }));
    cluster.converge();
    expect(ask(cluster, "cluster.status")).toMatchObject({
      nodes: { total: 2, ready: 2, suspect: 0, down: 0, cordoned: 0 },
      workloads: 2,
      allocations: { placed: 0, running: 2, stopping: 0, pending: 1, finished: 0 },
      capacity: { cpuMillis: 8_000 },
      granted: { cpuMillis: 200 },
      term: 1,
      seq: cluster.state.seq,
    });
  });

  test("allocations of a workload or a node, ended ones when asked for", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster
      .startAll()
      .end(cluster.live("web")[0] ?? cluster.only("web"), "failed")
      .settle();
    const list = (params: Record<string, unknown>) =>
      ask(cluster, "allocation.list", params).allocations;
    expect(list({ workload: "web" }).map(({ status }) => status)).toEqual(["running"]);
    expect(list({ workload: "web", all: true }).map(({ status }) => status)).toEqual([
      "failed",
      "running",
    ]);
    expect(list({ node: "n0", all: true }).length + list({ node: "n1", all: true }).length).toBe(2);
    expect(ask(cluster, "allocation.get", { allocation: "a1" }).outcome).toBe("failed");
    expect(ask(cluster, "node.get", { node: "n0" }).allocationList.length).toBeLessThan(2);
    expect(ask(cluster, "node.list").nodes).toHaveLength(2);
    expect(ask(cluster, "workload.list", { project: "other" }).workloads).toEqual([]);
  });

  test("a listing goes on where the page before it ended, whatever was removed meanwhile", () => {
    const cluster = new TestCluster().join(3);
    for (const name of ["d", "a", "c", "b"]) cluster.apply(serviceSpec({ name, count: 2 }));
    const first = ask(cluster, "workload.list", { limit: 2 });
    expect(first.workloads.map(({ name }) => name)).toEqual(["a", "b"]);
    cluster.command("workload.remove", { workload: "b" });
    const rest = ask(cluster, "workload.list", { limit: 2, after: first.next });
    expect(rest).toMatchObject({ workloads: [{ name: "c" }, { name: "d" }], next: null });

    const nodes = ask(cluster, "node.list", { limit: 2 });
    expect(ask(cluster, "node.list", { after: nodes.next })).toMatchObject({
      nodes: [{ number: (nodes.nodes.at(-1)?.number ?? 0) + 1 }],
      next: null,
    });

    const ids: string[] = [];
    let after: AllocationId | null = null;
    do {
      const page: ApiReply<"allocation.list"> = ask(cluster, "allocation.list", {
        limit: 3,
        after,
      });
      ids.push(...page.allocations.map(({ id }) => id));
      after = page.next;
    } while (after !== null);
    expect(ids).toEqual(["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]);
  });

  test("a page ends where the answer would not fit a message", () => {
    const cluster = new TestCluster().join(1);
    for (const name of ["a", "b", "c"]) cluster.apply(serviceSpec({ name }));
    const query = (replyBytesMax: number) => {
      const params = api["workload.list"].request.parse({});
      const result = handleQuery(cluster.state, "workload.list", params, {
        nowUnixMs: 0,
        replyBytesMax,
      });
      return result.ok ? result.value : null;
    };
    const { length } = JSON.stringify(query(1_000_000)?.workloads[0]);
    expect(query(2 * length + 2)).toMatchObject({ workloads: { length: 2 }, next: "default/b" });
    expect(query(1)).toMatchObject({ workloads: { length: 1 }, next: "default/a" });
  });

  test("an unknown allocation is not found", () => {
    const { state } = new TestCluster();
    for (const allocation of ["a7", "nonsense"]) {
      expect(handleQuery(state, "allocation.get", { allocation }, { nowUnixMs: 0 })).toMatchObject({
        ok: false,
        error: { code: "not_found" },
      });
    }
  });
});

describe("events", () => {
  test("are read page by page without losing any, though entries hold many", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 5 }));
    cluster.converge();
    const read: string[] = [];
    for (let afterSeq = 0; ; ) {
      const { events, gap } = ask(cluster, "event.list", { afterSeq, limit: 2 });
      expect(gap).toBe(false);
      const last = events.at(-1);
      if (!last) break;
      read.push(...events.map(({ seq, position }) => `${seq}.${position}`));
      afterSeq = last.seq;
    }
    const all = ask(cluster, "event.list", { limit: 1_000 }).events;
    expect(read).toEqual(all.map(({ seq, position }) => `${seq}.${position}`));
    expect(all.every(({ message }) => message.length > 0)).toBe(true);
  });

  test("of one workload or node, and only the newest", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec());
    cluster.converge();
    const events = ask(cluster, "event.list", { workload: "web" }).events;
    expect(events.map(({ type }) => type)).toEqual([
      "WorkloadApplied",
      "AllocationPlaced",
      "AllocationRunning",
    ]);
    expect(ask(cluster, "event.list", { node: "n1" }).events.map(({ type }) => type)).toContain(
      "NodeRegistered",
    );
    const [newest] = ask(cluster, "event.list", { newest: true, limit: 1 }).events;
    expect(newest?.message).toBe(`a1 of default/web[0] runs on ${cluster.only("web").nodeName}`);
  });
});
