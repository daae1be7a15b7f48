import { limits } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import {
  batchSpec,
  entry,
  leaderStarted,
  nodeId,
  requestId,
  serviceSpec,
} from "../testing/builders.ts";
import { running, TestCluster } from "../testing/test-cluster.ts";
import { applyEntry } from "./apply-entry.ts";
import { createState } from "./cluster-state.ts";
import { eventsAfter } from "./event-ring.ts";
import { stateHash } from "./state-hash.ts";

describe("the fold", () => {
  test("[INV4] gives every replica the same state, whole entries or parts of them", () => {
    const cluster = new TestCluster().join(3);
    cluster.apply(serviceSpec({ count: 4 }));
    cluster.converge();
    cluster.end(cluster.live("web")[0] ?? cluster.only("web"), "failed").settle();

    const whole = createState();
    const inParts = createState();
    for (const [i, one] of cluster.log.entries()) {
      applyEntry(whole, i + 1, one);
      for (const [position, event] of one.events.entries()) {
        applyEntry(inParts, i + 1, { ...one, events: [event] }, position);
      }
    }
    expect(stateHash(whole)).toBe(stateHash(cluster.state));
    expect(stateHash(inParts)).toBe(stateHash(cluster.state));
    expect(inParts.events.views).toEqual(whole.events.views);
  });

  test("names a different state differently", () => {
    const one = new TestCluster().join(1);
    const other = new TestCluster().join(2);
    expect(stateHash(one.state)).not.toBe(stateHash(other.state));
  });

  test("refuses what cannot follow", () => {
    const state = createState();
    applyEntry(state, 1, entry(2, 0, [leaderStarted(2)]));
    expect(() => applyEntry(state, 1, entry(2, 0, [leaderStarted(3)]))).toThrow("in order");
    expect(() => applyEntry(state, 2, entry(1, 0, [leaderStarted(1)]))).toThrow("term 1 after");
    expect(() =>
      applyEntry(state, 2, entry(2, 0, [{ type: "NodeRemoved", nodeId: nodeId(1) }])),
    ).toThrow("no node");
  });

  test("says which nodes, workloads and allocations an entry touched", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    const allocation = cluster.only("web");
    const changes = cluster.append([
      {
        type: "AllocationRunning",
        allocationId: allocation.id,
        startedAtUnixMs: 1,
        pid: 7,
        health: "none",
        message: null,
      },
    ]);
    expect(changes?.nodes).toEqual(new Set([nodeId(0)]));
    expect(changes?.workloads).toEqual(new Set(["default/web"]));
    expect(changes?.allocations).toEqual(new Set([allocation.id]));
    expect(changes?.desired.size).toBe(0);
  });

  test("a node's generation grows with each event that changes its desired set, and with no other", () => {
    const cluster = new TestCluster().join(1);
    const generation = () => cluster.state.nodes.get(nodeId(0))?.generation;
    cluster.apply(batchSpec({ count: 2 }));
    expect(generation()).toBe(2);
    cluster.startAll();
    expect(generation()).toBe(2);
    const [first] = cluster.live("job");
    if (first) cluster.end(first, "complete");
    expect(generation()).toBe(3);
    cluster.command("workload.stop", { workload: "job" });
    cluster.settle();
    expect(generation()).toBe(4);
    cluster.endStopping();
    expect(generation()).toBe(4);
  });

  test("[INV1] what an allocation held is free only when it has ended", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ resources: { cpuMillis: 3_000 } }));
    cluster.startAll();
    cluster.command("workload.stop", { workload: "web" });
    cluster.settle();
    expect(cluster.state.nodes.get(nodeId(0))?.usage.granted.cpuMillis).toBe(3_000);
    cluster.endStopping();
    expect(cluster.state.nodes.get(nodeId(0))?.usage.granted.cpuMillis).toBe(0);
  });

  test("a running report does not bring a stopping allocation back", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    cluster.startAll();
    cluster.command("workload.stop", { workload: "web" });
    cluster.settle();
    const allocation = cluster.only("web");
    cluster.report(allocation.nodeId, [running(allocation, { health: "healthy" })]);
    expect(cluster.only("web").status).toBe("stopping");
  });

  test("remembers a bounded number of answers, the newest", () => {
    const state = createState();
    applyEntry(state, 1, entry(1, 0, [leaderStarted(1)]));
    const answers = Array.from({ length: limits.answersRememberedMax + 1 }, (_, n) => ({
      type: "RequestAnswered" as const,
      requestId: requestId(n),
      method: "workload.stop",
      reply: {},
    }));
    applyEntry(state, 2, entry(1, 0, answers));
    expect(state.answers.size).toBe(limits.answersRememberedMax);
    expect(state.answers.has(requestId(0))).toBe(false);
  });

  test("remembers a bounded number of events and knows what it dropped", () => {
    const state = createState();
    for (let n = 1; n <= 2 * limits.eventsRememberedMax + 5; n += 1) {
      applyEntry(state, n, entry(n, 0, [leaderStarted(n)]));
    }
    expect(eventsAfter(state.events, 0).length).toBe(limits.eventsRememberedMax);
    expect(state.events.droppedThroughSeq).toBe(limits.eventsRememberedMax + 5);
    expect(state.events.views.length).toBeLessThanOrEqual(2 * limits.eventsRememberedMax);
  });
});
