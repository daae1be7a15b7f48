import type { AllocationId } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { nodeDescription, nodeId, serviceSpec } from "../testing/builders.ts";
import { finished, running, TestCluster } from "../testing/test-cluster.ts";
import { observeReports } from "./observe-reports.ts";
import { registerNode } from "./register-node.ts";

function cluster(count = 1) {
  const made = new TestCluster().join(1);
  made.apply(serviceSpec({ count }));
  return made;
}

function hello(
  made: TestCluster,
  allocations: Parameters<typeof registerNode>[1]["allocations"],
  bootId = "boot-0",
  complete = true,
) {
  const description = nodeDescription(0, { bootId });
  const message = {
    v: 1,
    nodeId: nodeId(0),
    description,
    clusterId: null,
    applied: null,
    allocations,
    complete,
  } as const;
  return registerNode(made.state, message, made.nowUnixMs);
}

describe("reports", () => {
  test("say nothing new when they are repeated", () => {
    const made = cluster();
    const allocation = made.only("web");
    const report = finished(allocation, "failed", made.nowUnixMs);
    for (const expected of [1, 0]) {
      const observed = observeReports(made.state, nodeId(0), [report], made.nowUnixMs);
      expect(observed.events).toHaveLength(expected);
      expect(observed.unknown).toEqual([]);
      made.append(observed.events);
    }
    const late = observeReports(made.state, nodeId(0), [running(allocation)], made.nowUnixMs);
    expect(late).toEqual({ events: [], unknown: [allocation.id] });
  });

  test("of one allocation in one message end at most once, and an end is final", () => {
    const made = cluster();
    const allocation = made.only("web");
    const end = finished(allocation, "failed", made.nowUnixMs);
    const observed = observeReports(
      made.state,
      nodeId(0),
      [running(allocation), end, end, running(allocation)],
      made.nowUnixMs,
    );
    expect(observed.events.map(({ type }) => type)).toEqual(["AllocationFinished"]);
  });

  test("about what the cluster has never heard of, or gave to another node, are unknown", () => {
    const made = cluster().join(1);
    const allocation = made.only("web");
    const stranger = { ...running(allocation), allocationId: "a99" as AllocationId };
    expect(observeReports(made.state, nodeId(0), [stranger], 0).unknown).toEqual(["a99"]);
    expect(observeReports(made.state, nodeId(1), [running(allocation)], 0).unknown).toEqual([
      allocation.id,
    ]);
  });

  test("from a wrong clock do not end in the future nor before the start", () => {
    const made = cluster();
    const allocation = made.only("web");
    const early = { ...finished(allocation, "failed", 0), startedAtUnixMs: 1_000 };
    const [event] = observeReports(made.state, nodeId(0), [early], made.nowUnixMs).events;
    expect(event).toMatchObject({ finishedAtUnixMs: 1_000 });
    const late = finished(allocation, "failed", made.nowUnixMs + 5_000);
    const [other] = observeReports(made.state, nodeId(0), [late], made.nowUnixMs).events;
    expect(other).toMatchObject({ finishedAtUnixMs: made.nowUnixMs });
  });
});

describe("a report's message", () => {
  test("is kept as far as the log has room for it", () => {
    const made = cluster();
    const exit = { kind: "prestart" as const, message: "x".repeat(100_000) };
    const report = { ...finished(made.only("web"), "failed", 0), exit, message: exit.message };
    const { events } = observeReports(made.state, nodeId(0), [report], made.nowUnixMs);
    expect(JSON.stringify(events).length).toBeLessThan(3_000);
  });
});

describe("a hello", () => {
  test("registers a node once for each description", () => {
    const made = new TestCluster();
    expect(hello(made, []).events.map(({ type }) => type)).toEqual(["NodeRegistered"]);
    made.append(hello(made, []).events);
    expect(hello(made, []).events).toEqual([]);
    expect(hello(made, [], "boot-1").events.map(({ type }) => type)).toEqual(["NodeRegistered"]);
  });

  test("asks for what ran there and is not listed, and ends nothing: it may be an old one", () => {
    const made = cluster(2);
    const [seen] = made.live("web");
    if (seen) made.report(nodeId(0), [running(seen)]);
    expect(hello(made, [])).toEqual({ events: [], unlisted: [seen?.id] });
  });

  test("that was cut short misses nothing that is not on it", () => {
    const made = cluster();
    made.startAll();
    expect(hello(made, [], "boot-0", false).unlisted).toEqual([]);
    expect(hello(made, [], "boot-0", true).unlisted).toHaveLength(1);
  });

  test("with everything listed changes nothing, even after a reboot that lost nothing", () => {
    const made = cluster();
    made.startAll();
    const report = running(made.only("web"));
    expect(hello(made, [report]).events).toEqual([]);
    expect(hello(made, [report], "boot-1").events.map(({ type }) => type)).toEqual([
      "NodeRegistered",
    ]);
  });

  test("brings a node that was down back", () => {
    const made = cluster();
    made.append([
      { type: "NodeStatusChanged", nodeId: nodeId(0), status: "down", reason: "silence" },
    ]);
    expect(hello(made, []).events).toMatchObject([{ type: "NodeStatusChanged", status: "ready" }]);
  });

  test("delivers ends that were not acknowledged", () => {
    const made = cluster();
    const report = finished(made.only("web"), "complete", made.nowUnixMs);
    expect(hello(made, [report]).events).toMatchObject([
      { type: "AllocationFinished", outcome: "complete" },
    ]);
  });
});
