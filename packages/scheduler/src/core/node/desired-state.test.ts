import { DesiredAllocation, type Fence } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import {
  httpCheck,
  leaderStarted,
  nodeDescription,
  nodeId,
  serviceSpec,
} from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { desiredDeltas, desiredPage, fenceOf } from "./desired-state.ts";

const ids = (allocations: readonly { allocationId: string }[]) =>
  allocations.map(({ allocationId }) => allocationId);

describe("desired state", () => {
  test("is everything an agent needs to run an allocation", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 2, ports: { http: { static: 8_080 } }, check: httpCheck }));
    const { allocations, more } = desiredPage(cluster.state, nodeId(0), null, 1_000_000);
    expect(more).toBe(false);
    expect(allocations).toHaveLength(1);
    expect(DesiredAllocation.parse(allocations[0])).toMatchObject({
      allocationId: "a1",
      workloadName: "web",
      index: 0,
      count: 2,
      attempt: 1,
      granted: { ports: { http: 8_080 } },
      check: httpCheck,
    });
  });

  test("comes in pages under one fence, by number", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 5 }));
    const first = desiredPage(cluster.state, nodeId(0), null, 1);
    expect(first).toMatchObject({ more: true, fence: { term: 1, generation: 5 } });
    expect(ids(first.allocations)).toEqual(["a1"]);
    const rest = desiredPage(
      cluster.state,
      nodeId(0),
      first.allocations[0]?.allocationId ?? null,
      1_000_000,
    );
    expect(ids(rest.allocations)).toEqual(["a2", "a3", "a4", "a5"]);
    expect(rest.fence).toEqual(first.fence);
  });

  test("leaves out what is asked to stop", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.converge();
    cluster.apply(serviceSpec({ count: 1 }));
    const { allocations } = desiredPage(cluster.state, nodeId(0), null, 1_000_000);
    expect(ids(allocations)).toEqual(["a1"]);
  });

  test("keeps an outdated allocation as it was placed until its turn comes", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.converge();
    const task = { driver: "process" as const, command: ["run", "v2"], env: {}, workDir: null };
    cluster.apply(serviceSpec({ count: 2, task }));
    const { allocations } = desiredPage(cluster.state, nodeId(0), null, 1_000_000);
    expect(allocations).toMatchObject([{ allocationId: "a2", task: { command: ["run"] } }]);
  });

  test("of a node that was removed and joins again is newer than all it had before", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec());
    const { generation } = fenceOf(cluster.state, nodeId(0));
    cluster.command("workload.stop", { workload: "web" });
    cluster.end(cluster.only("web"), "stopped");
    cluster.append([{ type: "NodeRemoved", nodeId: nodeId(0) }]);
    cluster.hello(nodeDescription(0));
    expect(fenceOf(cluster.state, nodeId(0)).generation).toBeGreaterThan(generation);
  });

  test("changes by differences that add up to the whole, each on top of the one before", () => {
    const cluster = new TestCluster().join(2);
    const held = new Map<string, { fence: Fence; ids: Set<string> }>();
    const { append } = cluster;
    cluster.append = (events) => {
      const changes = append.call(cluster, events);
      for (const notice of changes ? desiredDeltas(cluster.state, changes) : []) {
        const agent = held.get(notice.nodeId) ?? { fence: notice.base, ids: new Set() };
        expect(notice.base).toEqual(agent.fence);
        for (const { allocationId } of notice.add) agent.ids.add(allocationId);
        for (const id of notice.remove) agent.ids.delete(id);
        held.set(notice.nodeId, { fence: notice.fence, ids: agent.ids });
      }
      return changes;
    };
    cluster.apply(serviceSpec({ count: 6 }));
    cluster.converge();
    const [one] = cluster.live("web");
    if (one) cluster.end(one, "lost");
    cluster.converge();
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.converge();
    for (const [node, { fence, ids: agentIds }] of held) {
      const page = desiredPage(cluster.state, node as never, null, 1_000_000);
      expect([...agentIds].sort()).toEqual(ids(page.allocations).sort());
      expect(fence).toEqual(page.fence);
    }
  });

  test("a new leader's fence is newer, whatever the generation", () => {
    const cluster = new TestCluster().join(1);
    cluster.append([leaderStarted(2)]);
    expect(fenceOf(cluster.state, nodeId(0))).toEqual({ term: 2, generation: 0 });
    expect(fenceOf(cluster.state, nodeId(9))).toEqual({ term: 2, generation: 0 });
  });
});
