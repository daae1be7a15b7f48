import { assert } from "@berth/runtime/assert";
import { describe, expect, test } from "vitest";
import { fleetOf } from "../fleet/cluster-fleet.ts";
import { gpu, nodeDescription, nodeId, serviceSpec, batchSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { Candidates } from "./candidates.ts";
import { Ledger } from "./ledger.ts";
import { placementRequest } from "./placement-request.ts";
import { LiveSurroundings } from "./surroundings.ts";

const oneGpu = { gpu: { count: 1, models: [], memoryMiB: 0 } };

const nodesOf = (cluster: TestCluster, id: string) =>
  cluster.live(id).map(({ nodeName }) => nodeName);

describe("the best node", () => {
  test("is the fullest that fits, so that large pieces stay whole", () => {
    const cluster = new TestCluster().join(3);
    cluster.apply(batchSpec({ name: "first", resources: { cpuMillis: 1_000, memoryMiB: 2_048 } }));
    cluster.apply(batchSpec({ name: "second", resources: { cpuMillis: 1_000, memoryMiB: 2_048 } }));
    expect(nodesOf(cluster, "second")).toEqual(nodesOf(cluster, "first"));
  });

  test("leaves cpu and memory in proportion", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(batchSpec({ name: "cpu", resources: { cpuMillis: 3_000, memoryMiB: 64 } }));
    cluster.apply(batchSpec({ name: "memory", resources: { cpuMillis: 100, memoryMiB: 6_144 } }));
    expect(nodesOf(cluster, "memory")).toEqual(nodesOf(cluster, "cpu"));
  });

  test("is not one with idle GPUs for work that needs none", () => {
    const cluster = new TestCluster().join(2, (n) =>
      nodeDescription(n, { gpus: n === 0 ? [gpu(0)] : [] }),
    );
    cluster.apply(batchSpec());
    expect(nodesOf(cluster, "job")).toEqual(["n1"]);
  });

  test("shares the replicas of a service among equal nodes", () => {
    const cluster = new TestCluster().join(3);
    cluster.apply(serviceSpec({ count: 3 }));
    expect(nodesOf(cluster, "web").sort()).toEqual(["n0", "n1", "n2"]);
  });

  test("among equals is the one with the smallest id", () => {
    const cluster = new TestCluster().hello(nodeDescription(2)).hello(nodeDescription(1));
    cluster.apply(batchSpec());
    expect(cluster.only("job").nodeId).toBe(nodeId(1));
  });

  test("is found beside a GPU that is kept for two at once", () => {
    const cluster = new TestCluster().hello(nodeDescription(0, { gpus: [gpu(0), gpu(1)] }));
    const workload = cluster.apply(batchSpec({ resources: oneGpu }));
    const { granted } = cluster.only("job");
    const [node] = cluster.state.nodes.values();
    assert(node, "one node has joined");
    const ledger = new Ledger();
    ledger.take(node, granted);
    const fleet = fleetOf(cluster.state, ledger);
    const request = placementRequest(batchSpec());
    const around = new LiveSurroundings(cluster.state, request, []);
    const best = new Candidates(fleet, ledger, [], request, around).best(workload.number);
    expect(best?.node.id).toBe(node.id);
  });

  test("comes with the runners-up and terms that add up", () => {
    const cluster = new TestCluster().join(5);
    cluster.apply(serviceSpec());
    const why = cluster.state.explanations.get(cluster.only("web").id);
    expect(why).toMatchObject({ nodesTotal: 5, nodesFeasible: 5 });
    expect(why?.candidates).toHaveLength(3);
    for (const { score, terms } of why?.candidates ?? []) {
      expect(Object.values(terms).reduce((sum, term) => sum + term, 0)).toBe(score);
    }
    const scores = (why?.candidates ?? []).map(({ score }) => score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });
});

describe("a grant", () => {
  test("takes the smallest GPUs that do", () => {
    const gpus = [gpu(1), gpu(2, { memoryMiB: 24_576 }), gpu(3, { memoryMiB: 40_960 })];
    const cluster = new TestCluster().hello(nodeDescription(0, { gpus }));
    cluster.apply(batchSpec({ resources: { gpu: { count: 1, models: [], memoryMiB: 30_000 } } }));
    expect(cluster.only("job").granted.gpuUuids).toEqual(["GPU-3"]);
  });

  test("names static ports as they are and chooses the others from the node's range", () => {
    const cluster = new TestCluster().join(1);
    const ports = { admin: { static: null }, http: { static: 8_080 }, rpc: { static: null } };
    cluster.apply(serviceSpec({ ports }));
    const granted = cluster.only("web").granted.ports;
    expect(granted["http"]).toBe(8_080);
    expect(granted["admin"]).not.toBe(granted["rpc"]);
    for (const name of ["admin", "rpc"]) {
      expect(granted[name]).toBeGreaterThanOrEqual(20_000);
      expect(granted[name]).toBeLessThanOrEqual(20_999);
    }
  });

  test("of a replacement does not ask for the port that its predecessor could not have", () => {
    const cluster = new TestCluster().join(1);
    cluster.apply(serviceSpec({ ports: { http: { static: null } } }));
    const first = cluster.only("web");
    cluster.end(first, "failed");
    cluster.nowUnixMs += 1_000;
    cluster.settle();
    expect(cluster.only("web").granted.ports["http"]).not.toBe(first.granted.ports["http"]);
  });
});
