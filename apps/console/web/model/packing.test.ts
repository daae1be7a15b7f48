import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AllocationView, FeedTelemetry, NodeView, NoFit, WorkloadId } from "@berth/protocol";
import { layOutLane } from "./bin-map.ts";
import { shownDimensions } from "./dimension.ts";
import { funnelOf } from "./funnel.ts";
import { headroomOf, nodeHeadroom } from "./headroom.ts";
import { applyTelemetry, type TelemetryModel, USAGE_CURRENT_MS } from "./telemetry-model.ts";
import { assignColours, WORKLOAD_COLOURS } from "./workload-colours.ts";

const node = {
  id: "UNODE" as NodeView["id"],
  status: "ready",
  capacity: { cpuMillis: 8_000, memoryMiB: 16_384, diskMiB: 1_000, networkMbps: null },
  reserved: { cpuMillis: 800, memoryMiB: 0, diskMiB: 0, networkMbps: null },
  granted: { cpuMillis: 3_000, memoryMiB: 2_048, diskMiB: 0, networkMbps: 100 },
  gpus: { total: 4, granted: 2 },
} as NodeView;

function allocation(number: number, cpuMillis: number, gpus = 0) {
  return {
    id: `a${number}` as AllocationView["id"],
    workload: "default/web" as WorkloadId,
    index: number,
    status: "running",
    granted: {
      cpuMillis,
      memoryMiB: 64,
      diskMiB: 0,
      networkMbps: 10,
      gpuUuids: Array.from({ length: gpus }, (_, at) => `G${at}`),
      ports: {},
    },
  } as const;
}

describe("a node's bin map", () => {
  it("lays blocks end to end after what is reserved, without overlap, within the capacity", () => {
    const grants = fc.array(fc.integer({ min: 0, max: 700 }), { maxLength: 10 });
    fc.assert(
      fc.property(grants, (amounts) => {
        const lane = layOutLane(
          node,
          amounts.map((cpu, at) => allocation(at + 1, cpu)),
          "cpu",
          () => undefined,
        );
        let end = lane.reservedSize;
        for (const block of lane.blocks) {
          expect(block.start).toBeCloseTo(end);
          end += block.size;
        }
        expect(end).toBeLessThanOrEqual(1 + 1e-9);
        expect(lane.reserved + lane.granted + (lane.free ?? 0)).toBe(8_000);
      }),
    );
  });

  it("has no scale where the node does not know its capacity", () => {
    const lane = layOutLane(node, [allocation(1, 100)], "network", () => undefined);
    expect([lane.capacity, lane.free, lane.granted]).toEqual([null, null, 10]);
  });

  it("fills the part of a block that is used, and none where nobody measures it", () => {
    const use = () => ({ cpuMillis: 250, memoryMiB: null });
    const [cpu] = layOutLane(node, [allocation(1, 1_000, 1)], "cpu", use).blocks;
    const [memory] = layOutLane(node, [allocation(1, 1_000, 1)], "memory", use).blocks;
    const [gpu] = layOutLane(node, [allocation(1, 1_000, 1)], "gpu", use).blocks;
    expect([cpu?.used, memory?.used, gpu?.used]).toEqual([0.25, null, null]);
    expect(gpu?.size).toBe(0.25);
  });
});

describe("headroom", () => {
  const host = {
    cpuMillis: 500,
    memoryMiB: null,
    diskMiB: null,
    receivedMbps: 3,
    sentMbps: 9,
    load1: null,
  };
  const reading = { nodeId: node.id, beatAgeMs: 100, usageAgeMs: 100, host, allocations: [] };
  const frame: FeedTelemetry = { type: "telemetry", complete: true, nodes: [reading] };
  const telemetry = applyTelemetry(new Map(), frame, 0);

  it("is unknown, never zero, where nobody says", () => {
    const unknown = headroomOf([node], new Map(), "network", 0);
    expect([unknown.capacity, unknown.used, unknown.nodesWithoutCapacity]).toEqual([null, null, 1]);
    expect(headroomOf([node], telemetry, "memory", 0).used).toBeNull();
    expect(headroomOf([], telemetry, "cpu", 0).capacity).toBeNull();
  });

  it("takes the busier direction of the network", () => {
    expect(headroomOf([node], telemetry, "network", 0).used).toBe(9);
  });

  it("forgets a usage that is too old to be true", () => {
    expect(headroomOf([node], telemetry, "cpu", 0).used).toBe(500);
    expect(headroomOf([node], telemetry, "cpu", USAGE_CURRENT_MS).used).toBeNull();
  });

  it("does not count nodes that are down, and believes nothing they said", () => {
    const down = { ...node, status: "down" } as NodeView;
    expect(headroomOf([down], telemetry, "cpu", 0).nodes).toBe(0);
    expect(nodeHeadroom(down, telemetry, "cpu", 0)).toMatchObject({ capacity: 8_000, used: null });
  });

  it("covers every dimension that is shown", () => {
    for (const dimension of shownDimensions) {
      expect(headroomOf([node], telemetry, dimension, 0).dimension).toBe(dimension);
    }
  });
});

describe("telemetry", () => {
  const about = (id: string) => ({
    nodeId: id as NodeView["id"],
    beatAgeMs: 0,
    usageAgeMs: null,
    host: null,
    allocations: [],
  });

  it("is replaced by a complete frame and added to by any other", () => {
    let model: TelemetryModel = new Map();
    const frame = { type: "telemetry", complete: false } as const;
    model = applyTelemetry(model, { ...frame, nodes: [about("A")] }, 0);
    model = applyTelemetry(model, { ...frame, nodes: [about("B")] }, 0);
    expect([...model.keys()]).toEqual(["A", "B"]);
    model = applyTelemetry(model, { ...frame, complete: true, nodes: [about("C")] }, 0);
    expect([...model.keys()]).toEqual(["C"]);
  });
});

describe("workload colours", () => {
  const workloads = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      id: `default/w${at}` as WorkloadId,
      submittedAtUnixMs: at,
    }));

  it("are all different while there are enough of them", () => {
    const colours = [...assignColours(workloads(WORKLOAD_COLOURS)).values()];
    expect(new Set(colours).size).toBe(WORKLOAD_COLOURS);
  });

  it("do not change when a younger workload comes", () => {
    const before = assignColours(workloads(7));
    const after = assignColours(workloads(30));
    for (const [id, colour] of before) expect(after.get(id)).toBe(colour);
    expect(Math.max(...after.values())).toBeLessThan(WORKLOAD_COLOURS);
  });
});

describe("the funnel", () => {
  const rejection = (code: NoFit["rejections"][number]["code"], nodes: number) => ({
    code,
    nodes,
    subject: null,
    requested: null,
    best: null,
  });

  it("takes every node out exactly once", () => {
    const steps = funnelOf({
      reason: "no_fit",
      nodesTotal: 10,
      rejections: [rejection("node.down", 1), rejection("gpu.model", 6), rejection("cpu.free", 3)],
      nearest: [],
    });
    expect(steps.map(({ remaining }) => remaining)).toEqual([9, 3, 0]);
    expect(steps.at(-1)?.remainingShare).toBe(0);
  });

  it("is empty without nodes", () => {
    expect(funnelOf({ reason: "no_fit", nodesTotal: 0, rejections: [], nearest: [] })).toEqual([]);
  });
});
