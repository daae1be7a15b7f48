import { describe, expect, test } from "vitest";
import { Transcript } from "../transcript.ts";
import { SimulatedCluster } from "../world/simulated-cluster.ts";

async function settledCluster() {
  const snapshots = { entriesBetweenMax: 1_000, retentionMs: 3_600_000 };
  const scenario = { schedulers: 1, nodes: 1, snapshots };
  const cluster = new SimulatedCluster("judge", scenario, new Transcript());
  cluster.start();
  await cluster.run(10_000);
  const task = { command: ["serve"], env: {} };
  cluster.operator.apply([{ kind: "service", name: "web", count: 2, task, ports: { http: {} } }]);
  await cluster.run(10_000);
  expect(cluster.violation).toBeNull();
  const [node] = cluster.nodes;
  const [one, two] = [...(node?.processes() ?? [])];
  if (!node || !one || !two) throw new Error("two tasks run by now");
  return { cluster, node, one, two };
}

describe("the judge", () => {
  test("[INV5] sees an agent stop what is desired", async () => {
    const { cluster, node, one } = await settledCluster();
    node.stop(one.id);
    expect(cluster.violation?.message).toMatch(/^INV5: node-1 stops a1, which is desired$/);
  });

  test("[INV2] sees an allocation run twice", async () => {
    const { cluster, node, one } = await settledCluster();
    cluster.guard(() => cluster.machineRules.started(node, one));
    expect(cluster.violation?.message).toMatch(/^INV2: a1 starts on node-1 and ran before/);
  });

  test("[INV3] sees an agent that is told what is not in the log", async () => {
    const { cluster, node } = await settledCluster();
    const fence = { term: 1, generation: 99 };
    cluster.guard(() => cluster.machineRules.desired(node, fence, new Map()));
    expect(cluster.violation?.message).toMatch(/^INV3: .*generation 99.* not in the log$/);
  });

  test("[INV1] sees a port used twice on one machine, whatever the log says", async () => {
    const { cluster, node, one, two } = await settledCluster();
    one.phase = "finished";
    cluster.machineRules.wiped(node);
    one.phase = "running";
    Object.assign(two.allocation.granted.ports, one.allocation.granted.ports);
    cluster.guard(() => cluster.machineRules.started(node, one));
    expect(cluster.violation?.message).toMatch(
      /^INV1: a1 starts on node-1 with port \d+, which a2/,
    );
  });

  test("takes the end of a task by itself as it is", async () => {
    const { cluster, node, one } = await settledCluster();
    node.breakTask(one.id, "SIGSEGV");
    await cluster.run(10_000);
    cluster.guard(() => cluster.machineRules.checkEnds());
    expect(cluster.violation).toBeNull();
    expect(cluster.reference.outcomes.get(one.id)).toBe("failed");
  });
});
