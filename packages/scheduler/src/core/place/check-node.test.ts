import {
  type DeviceHealth,
  type Grant,
  type PlacementRules,
  type RejectionCode,
  rejectionCodes,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { describe, expect, test } from "vitest";
import type { NodeRecord } from "../state/cluster-state.ts";
import { addGrant, unused } from "../state/node-usage.ts";
import { gpu, nodeDescription, nodeId, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { everyLack, firstLack } from "./check-node.ts";
import { Ledger } from "./ledger.ts";
import { placementRequest } from "./placement-request.ts";

type Description = Parameters<typeof nodeDescription>[1];

function nodeWith(description: Description = {}, change: Partial<NodeRecord> = {}): NodeRecord {
  const { state } = new TestCluster().hello(nodeDescription(0, description));
  const node = state.nodes.get(nodeId(0));
  if (!node) throw new Error("no node");
  return Object.assign(node, change);
}

/** A node that has granted this. */
function holding(grant: Partial<Grant>): Partial<NodeRecord> {
  const usage = unused();
  addGrant(usage, { ...amounts, gpuUuids: [], ports: {}, ...grant });
  return { usage };
}

function lackOf(spec: WorkloadSpec, node: NodeRecord) {
  return firstLack(placementRequest(spec), node, new Ledger().usageOf(node));
}

const drain = { startedAtUnixMs: 0, deadlineAtUnixMs: null, ignoreSystem: false };
const amounts = { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0 };
const needs = (resources: Partial<WorkloadSpec["resources"]>) => serviceSpec({ resources });
const h100 = (count: number) => needs({ gpu: { count, models: ["H100"], memoryMiB: 0 } });
const ports = (numbers: (number | null)[]) =>
  serviceSpec({ ports: Object.fromEntries(numbers.map((port, i) => [`p${i}`, { static: port }])) });

const where = (placement: PlacementRules) => serviceSpec({ placement });
const zone = { id: 0, cpuMillis: 2_000, memoryMiB: 4_096, gpuUuids: [] };
const nvme = { mediaClass: "nvme", diskMiB: 1_000 } as const;
const broken = { state: "unhealthy", reason: "it fell off the bus" } as const;
const half = needs({ gpu: { count: 1, models: [], memoryMiB: 0, shareMillis: 500 } });
const inZone = (cpuMillis: number) => needs({ cpuMillis, numa: "require" });

const cases: Record<RejectionCode, [WorkloadSpec, NodeRecord, number | null, number | null]> = {
  "node.down": [serviceSpec(), nodeWith({}, { status: "down" }), null, null],
  "node.suspect": [serviceSpec(), nodeWith({}, { status: "suspect" }), null, null],
  "node.draining": [serviceSpec(), nodeWith({}, { eligibility: "cordoned", drain }), null, null],
  "node.cordoned": [serviceSpec(), nodeWith({}, { eligibility: "cordoned" }), null, null],
  "driver.unavailable": [serviceSpec(), nodeWith({ drivers: [] }), null, null],
  constraint: [serviceSpec({ constraints: ["exists node.labels.x"] }), nodeWith(), null, null],
  "gpu.model": [h100(2), nodeWith({ gpus: [gpu(1, { model: "A100" })] }), 2, 0],
  "gpu.capacity": [h100(2), nodeWith({ gpus: [gpu(1)] }), 2, 1],
  "gpu.health": [h100(2), nodeWith({ gpus: [gpu(1), gpu(2, { health: broken })] }), 2, 1],
  "disk.health": [
    needs({ diskMiB: 500 }),
    nodeWith({
      storage: [
        { ...nvme, health: broken },
        { mediaClass: "hdd", diskMiB: 400 },
      ],
    }),
    500,
    400,
  ],
  "cpu.capacity": [needs({ cpuMillis: 5_000 }), nodeWith(), 5_000, 4_000],
  "memory.capacity": [needs({ memoryMiB: 9_000 }), nodeWith(), 9_000, 8_192],
  "disk.capacity": [needs({ diskMiB: 200_000 }), nodeWith(), 200_000, 102_400],
  "network.unknown": [
    needs({ networkMbps: 1 }),
    nodeWith({ capacity: { ...amounts, cpuMillis: 4_000, memoryMiB: 8_192, networkMbps: null } }),
    1,
    null,
  ],
  "network.capacity": [needs({ networkMbps: 2_000 }), nodeWith(), 2_000, 1_000],
  "allocations.max": [
    serviceSpec(),
    nodeWith({}, { usage: { ...unused(), allocations: 2_000 } }),
    1,
    0,
  ],
  pool: [where({ pool: "gpu" }), nodeWith({ pool: "cpu" }), null, null],
  taint: [
    where({ tolerations: ["b"] }),
    nodeWith({ taints: [{ key: "a", reason: null }] }),
    null,
    null,
  ],
  "device.capacity": [needs({ devices: { fpga: 2 } }), nodeWith({ devices: { fpga: 1 } }), 2, 1],
  "disk.class": [
    needs({ diskMiB: 1, diskClass: "ssd" }),
    nodeWith({ storage: [nvme] }),
    null,
    null,
  ],
  "numa.capacity": [inZone(3_000), nodeWith({ zones: [zone] }), null, null],
  distinct: [where({ distinct: [{ by: "node.name", max: 1 }] }), nodeWith(), null, null],
  colocation: [
    where({ colocate: [{ workload: "default/db" as WorkloadId, by: "node.name" }] }),
    nodeWith(),
    null,
    null,
  ],
  "gpu.share": [
    half,
    nodeWith({ gpus: [gpu(1)] }, holding({ gpuUuids: ["GPU-1"], gpuShareMillis: 600 })),
    500,
    400,
  ],
  "device.free": [
    needs({ devices: { fpga: 2 } }),
    nodeWith({ devices: { fpga: 3 } }, holding({ devices: { fpga: 2 } })),
    2,
    1,
  ],
  "numa.free": [
    inZone(1_000),
    nodeWith({ zones: [zone] }, holding({ cpuMillis: 1_500, zone: 0 })),
    null,
    null,
  ],
  reserved: [serviceSpec(), nodeWith(), null, null],
  "gpu.free": [h100(1), nodeWith({ gpus: [gpu(1)] }, holding({ gpuUuids: ["GPU-1"] })), 1, 0],
  "cpu.free": [needs({ cpuMillis: 500 }), nodeWith({}, holding({ cpuMillis: 3_900 })), 500, 100],
  "memory.free": [needs({}), nodeWith({}, holding({ memoryMiB: 8_192 })), 64, 0],
  "disk.free": [needs({ diskMiB: 1 }), nodeWith({}, holding({ diskMiB: 102_400 })), 1, 0],
  "network.free": [
    needs({ networkMbps: 600 }),
    nodeWith({}, holding({ networkMbps: 500 })),
    600,
    500,
  ],
  "port.static": [ports([80]), nodeWith({}, holding({ ports: { http: 80 } })), null, null],
  "port.range": [
    ports([null, null, 20_000]),
    nodeWith({ portRange: { from: 20_000, to: 20_001 } }),
    2,
    1,
  ],
};

/** All but what only a pass knows. */
const checked = rejectionCodes.filter((code) => code !== "reserved");

describe("a node is checked step by step", () => {
  test.each(checked.map((code) => [code] as const))("[INV1] %s, with numbers", (code) => {
    const [spec, node, requested, available] = cases[code];
    const surroundings = { ownAt: () => 1, isAt: () => false };
    const lack = firstLack(placementRequest(spec), node, node.usage, surroundings);
    expect(lack).toMatchObject({ code, requested, available });
  });

  test("and fits when it fails none", () => {
    expect(lackOf(serviceSpec(), nodeWith())).toBeNull();
    expect(lackOf(h100(2), nodeWith({ gpus: [gpu(1), gpu(2)] }))).toBeNull();
    expect(lackOf(ports([80, null]), nodeWith())).toBeNull();
  });

  test("what the system keeps back is not granted", () => {
    const node = nodeWith({ reserved: { ...amounts, cpuMillis: 1_000 } });
    expect(lackOf(needs({ cpuMillis: 3_000 }), node)).toBeNull();
    expect(lackOf(needs({ cpuMillis: 3_001 }), node)?.code).toBe("cpu.capacity");
  });

  test("a GPU of unknown memory is not enough for a request that names memory", () => {
    const node = nodeWith({ gpus: [gpu(1, { memoryMiB: null })] });
    expect(lackOf(needs({ gpu: { count: 1, models: [], memoryMiB: 1 } }), node)?.code).toBe(
      "gpu.model",
    );
    expect(lackOf(needs({ gpu: { count: 1, models: [], memoryMiB: 0 } }), node)).toBeNull();
  });

  test("a node without GPUs lacks their number, not their model, when any model will do", () => {
    const spec = needs({ gpu: { count: 8, models: [], memoryMiB: 0 } });
    expect(lackOf(spec, nodeWith())).toMatchObject({
      code: "gpu.capacity",
      requested: 8,
      available: 0,
    });
  });

  test("an unhealthy device is not granted, a degraded one is", () => {
    const worn = { state: "degraded", reason: "its spare is running out" } as const;
    const withGpu = (health: DeviceHealth) => nodeWith({ gpus: [gpu(1, { health })] });
    expect(lackOf(half, withGpu(broken))).toMatchObject({ code: "gpu.health", available: 0 });
    expect(lackOf(half, withGpu(worn))).toBeNull();
    const withDisk = (health: DeviceHealth) => nodeWith({ storage: [{ ...nvme, health }] });
    expect(lackOf(needs({ diskMiB: 1 }), withDisk(broken))?.code).toBe("disk.health");
    expect(lackOf(needs({ diskMiB: 1 }), withDisk(worn))).toBeNull();
    expect(lackOf(serviceSpec(), withDisk(broken))).toBeNull();
  });

  test("the slices of an unhealthy GPU are not granted either", () => {
    const slices = [{ uuid: "MIG-1", profile: "1g.10gb", memoryMiB: null }];
    const spec = needs({ gpu: { count: 1, models: [], memoryMiB: 0, slice: "1g.10gb" } });
    expect(lackOf(spec, nodeWith({ gpus: [gpu(1, { slices })] }))).toBeNull();
    const node = nodeWith({ gpus: [gpu(1, { slices, health: broken })] });
    expect(lackOf(spec, node)?.code).toBe("gpu.health");
  });

  test("everything it lacks is listed once per dimension", () => {
    const node = nodeWith({}, { ...holding({ memoryMiB: 8_192 }), eligibility: "cordoned" });
    const spec = needs({ cpuMillis: 5_000, gpu: { count: 1, models: [], memoryMiB: 0 } });
    const lacks = everyLack(placementRequest(spec), node, new Ledger().usageOf(node));
    expect(lacks.map(({ code }) => code)).toEqual([
      "node.cordoned",
      "gpu.capacity",
      "cpu.capacity",
      "memory.free",
    ]);
  });
});
