import type { PlacementRules, WorkloadId } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { checkInvariants } from "../testing/check-invariants.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

/** Four nodes, two in each rack. */
function racks(): TestCluster {
  return new TestCluster().join(4, (n) =>
    nodeDescription(n, { labels: { rack: n < 2 ? "a" : "b" } }),
  );
}

const rackOf = (nodeName: string) => (Number(nodeName.slice(1)) < 2 ? "a" : "b");
const racksOf = (cluster: TestCluster, id: string) =>
  cluster.live(id).map(({ nodeName }) => rackOf(nodeName));
const nodesOf = (cluster: TestCluster, id: string) =>
  cluster.live(id).map(({ nodeName }) => nodeName);
const ruled = (placement: PlacementRules, count = 1) => batchSpec({ count, placement });

describe("rules of placement", () => {
  test("an affinity draws work to where it holds, a negative one keeps it away", () => {
    const to = racks();
    to.apply(ruled({ affinities: [{ expression: "node.labels.rack == b", weight: 50 }] }));
    expect(racksOf(to, "job")).toEqual(["b"]);
    const away = racks();
    away.apply(ruled({ affinities: [{ expression: "node.labels.rack == a", weight: -50 }] }));
    expect(racksOf(away, "job")).toEqual(["b"]);
  });

  test("an affinity is a preference: work runs elsewhere when it must", () => {
    const cluster = racks();
    cluster.apply(ruled({ affinities: [{ expression: "node.name == n9", weight: 100 }] }));
    expect(cluster.live("job")).toHaveLength(1);
  });

  test("a spread gives each value the same, or what its target says", () => {
    const by = "node.labels.rack";
    const even = racks();
    even.apply(ruled({ spread: [{ by, weight: 50, targets: {} }] }, 4));
    expect(racksOf(even, "job").toSorted()).toEqual(["a", "a", "b", "b"]);
    const uneven = racks();
    uneven.apply(ruled({ spread: [{ by, weight: 50, targets: { a: 75, b: 25 } }] }, 4));
    expect(racksOf(uneven, "job").toSorted()).toEqual(["a", "a", "a", "b"]);
  });

  test("[INV8] no more than the maximum share a value; the rest waits and says why", () => {
    const cluster = racks();
    cluster.apply(ruled({ distinct: [{ by: "node.name", max: 1 }] }, 5));
    expect(nodesOf(cluster, "job").toSorted()).toEqual(["n0", "n1", "n2", "n3"]);
    expect(cluster.workload("job").pending).toMatchObject([
      { count: 1, explanation: { reason: "no_fit", rejections: [{ code: "distinct", nodes: 4 }] } },
    ]);
    checkInvariants(cluster.state);
  });

  test("co-located work waits for its companion and then goes beside it", () => {
    const cluster = racks();
    const colocate = [{ workload: "default/web" as WorkloadId, by: "node.name" }];
    cluster.apply(ruled({ colocate }));
    expect(cluster.live("job")).toEqual([]);
    cluster.apply(serviceSpec({ constraints: ["node.name == n2"] }));
    cluster.settle();
    expect(nodesOf(cluster, "job")).toEqual(["n2"]);
  });

  test("work goes where most of its data is", () => {
    const cluster = racks();
    cluster.apply(ruled({ locality: { n1: 100, n3: 900 } }));
    expect(nodesOf(cluster, "job")).toEqual(["n3"]);
  });

  test("a pool and taints keep work off", () => {
    const cluster = new TestCluster()
      .hello(nodeDescription(0, { pool: "gpu" }))
      .hello(nodeDescription(1, { taints: [{ key: "slow", reason: "old disks" }] }));
    cluster.apply(ruled({ pool: "default" }));
    expect(cluster.live("job")).toEqual([]);
    cluster.apply(ruled({ pool: "default", tolerations: ["slow"] }));
    expect(nodesOf(cluster, "job")).toEqual(["n1"]);
  });

  test("preferences move nothing that runs, hard rules do", () => {
    const cluster = racks();
    cluster.apply(serviceSpec());
    const { id } = cluster.converge().only("web");
    cluster.apply(serviceSpec({ placement: { locality: { n3: 1 } } }));
    expect(cluster.converge().only("web").id).toBe(id);
    cluster.apply(serviceSpec({ placement: { pool: "default" } }));
    expect(cluster.converge().only("web").id).not.toBe(id);
  });
});

describe("[INV1] special grants", () => {
  const share = (shareMillis: number, memoryMiB = 0) => ({
    gpu: { count: 1, models: [], memoryMiB, shareMillis },
  });

  test("shares fill one GPU before they open another, and never more than it has", () => {
    const cluster = new TestCluster().hello(nodeDescription(0, { gpus: [gpu(1), gpu(2)] }));
    cluster.apply(batchSpec({ count: 5, resources: { cpuMillis: 10, ...share(400) } }));
    const uuids = cluster.live("job").map(({ granted }) => granted.gpuUuids[0]);
    expect(uuids.toSorted()).toEqual(["GPU-1", "GPU-1", "GPU-2", "GPU-2"]);
    expect(cluster.workload("job").pending).toMatchObject([
      { explanation: { rejections: [{ code: "gpu.share", requested: 400, best: 200 }] } },
    ]);
    checkInvariants(cluster.state);
  });

  test("a share's memory counts, and a shared GPU is not granted whole", () => {
    const cluster = new TestCluster().hello(nodeDescription(0, { gpus: [gpu(1)] }));
    cluster.apply(batchSpec({ count: 2, resources: { cpuMillis: 10, ...share(100, 50_000) } }));
    expect(cluster.live("job")).toHaveLength(1);
    const whole = { count: 1, models: [], memoryMiB: 0 };
    cluster.apply(batchSpec({ name: "whole", resources: { gpu: whole } }));
    expect(cluster.live("whole")).toEqual([]);
    checkInvariants(cluster.state);
  });

  test("a partitioned GPU is granted by slice alone", () => {
    const slices = [1, 2].map((n) => ({ uuid: `MIG-${n}`, profile: "1g.10gb", memoryMiB: 9_856 }));
    const cluster = new TestCluster().hello(nodeDescription(0, { gpus: [gpu(1, { slices })] }));
    const slice = { count: 2, models: [], memoryMiB: 0, slice: "1g.10gb" };
    cluster.apply(batchSpec({ name: "whole", resources: { gpu: { ...slice, slice: undefined } } }));
    cluster.apply(batchSpec({ resources: { gpu: slice } }));
    expect(cluster.live("whole")).toEqual([]);
    expect(cluster.only("job").granted.gpuUuids).toEqual(["MIG-1", "MIG-2"]);
  });

  test("a device that falls ill keeps what runs on it and takes nothing more until it is mended", () => {
    const lost = { state: "unhealthy", reason: "it fell off the bus" } as const;
    const node = (isWell: boolean) => {
      const health = isWell ? {} : { health: lost };
      const storage = [{ mediaClass: "nvme" as const, diskMiB: 1_000, ...health }];
      return nodeDescription(0, { gpus: [gpu(1, health)], storage });
    };
    const cluster = new TestCluster().hello(node(true));
    const half = share(400);
    cluster.apply(batchSpec({ name: "first", resources: { ...half, diskMiB: 100 } }));
    const { id } = cluster.startAll().only("first");
    cluster.hello(node(false), [], false);
    cluster.apply(batchSpec({ name: "second", resources: half }));
    cluster.apply(batchSpec({ name: "third", resources: { diskMiB: 100 } }));
    expect(cluster.only("first").id).toBe(id);
    expect([...cluster.live("second"), ...cluster.live("third")]).toEqual([]);
    const codes = ["second", "third"].map((name) => cluster.workload(name).pending[0]?.explanation);
    expect(codes).toMatchObject([
      { rejections: [{ code: "gpu.health" }] },
      { rejections: [{ code: "disk.health" }] },
    ]);
    checkInvariants(cluster.state);
    cluster.hello(node(true), [], false).settle();
    expect(cluster.only("second").granted.gpuUuids).toEqual(["GPU-1"]);
    expect(cluster.live("third")).toHaveLength(1);
    checkInvariants(cluster.state);
  });

  test("one disk holds all of a grant, of the class that is asked for", () => {
    const storage = [
      { mediaClass: "hdd" as const, diskMiB: 90_000 },
      { mediaClass: "nvme" as const, diskMiB: 12_400 },
    ];
    const cluster = new TestCluster().hello(nodeDescription(0, { storage }));
    cluster.apply(batchSpec({ name: "fast", resources: { diskMiB: 10_000, diskClass: "nvme" } }));
    expect(cluster.only("fast").granted.storage).toBe(1);
    cluster.apply(batchSpec({ name: "large", resources: { diskMiB: 95_000 } }));
    expect(cluster.live("large")).toEqual([]);
    checkInvariants(cluster.state);
  });

  test("a zone holds cpu, memory and GPUs of one grant; who only prefers one runs without", () => {
    const zones = [0, 1].map((id) => ({
      id,
      cpuMillis: 2_000,
      memoryMiB: 4_096,
      gpuUuids: [`GPU-${id}`],
    }));
    const cluster = new TestCluster().hello(nodeDescription(0, { zones, gpus: [gpu(0), gpu(1)] }));
    const both = { count: 2, models: [], memoryMiB: 0 };
    cluster.apply(batchSpec({ name: "wide", resources: { gpu: both, numa: "require" } }));
    expect(cluster.live("wide")).toEqual([]);
    cluster.apply(batchSpec({ resources: { gpu: { ...both, count: 1 }, numa: "require" } }));
    const { granted } = cluster.only("job");
    expect(granted.gpuUuids).toEqual([`GPU-${granted.zone}`]);
    cluster.apply(batchSpec({ name: "rather", resources: { cpuMillis: 2_500, numa: "prefer" } }));
    expect(cluster.only("rather").granted.zone).toBeUndefined();
    checkInvariants(cluster.state);
  });

  test("overcommit grants shared cores more than once, exclusive ones once", () => {
    const cluster = new TestCluster().join(1);
    const pool = { name: "default", cpuOvercommitPercent: 200 };
    cluster.append([{ type: "PoolConfigured", pool }]);
    const own = { cpuMillis: 2_000, memoryMiB: 1, exclusiveCores: true as const };
    cluster.apply(batchSpec({ name: "own", resources: own }));
    cluster.apply(batchSpec({ count: 9, resources: { cpuMillis: 1_000, memoryMiB: 1 } }));
    expect(cluster.live("own")).toHaveLength(1);
    expect(cluster.live("job")).toHaveLength(4);
    checkInvariants(cluster.state);
  });

  test("no more exclusive cores are granted than there are", () => {
    const cluster = new TestCluster().join(1);
    const own = { cpuMillis: 2_000, memoryMiB: 1, exclusiveCores: true as const };
    cluster.apply(batchSpec({ count: 3, resources: own }));
    expect(cluster.live("job")).toHaveLength(2);
    checkInvariants(cluster.state);
  });

  test("counted devices are granted as often as there are any", () => {
    const cluster = new TestCluster().hello(nodeDescription(0, { devices: { fpga: 3 } }));
    cluster.apply(batchSpec({ count: 2, resources: { cpuMillis: 10, devices: { fpga: 2 } } }));
    expect(cluster.live("job")).toHaveLength(1);
    expect(cluster.workload("job").pending).toMatchObject([
      { explanation: { rejections: [{ code: "device.free", subject: "fpga", best: 1 }] } },
    ]);
  });
});
