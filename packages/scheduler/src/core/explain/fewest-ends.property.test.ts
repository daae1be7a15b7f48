import type { GpuRequest, Grant, WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { firstLack } from "../place/check-node.ts";
import { placementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS } from "../place/surroundings.ts";
import type { AllocationRecord, NodeRecord } from "../state/cluster-state.ts";
import { addGrant, unused } from "../state/node-usage.ts";
import { batchSpec, gpu, nodeDescription } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { fewestEnds } from "./fewest-ends.ts";

/** A node with two GPUs of each of two models, devices, two zones and two disks. */
function emptyNode(): NodeRecord {
  const cluster = new TestCluster().join(1, (n) =>
    nodeDescription(n, {
      gpus: [0, 1, 2, 3].map((g) => gpu(g, { model: g < 2 ? "A" : "B", memoryMiB: 100 })),
      devices: { fpga: 2, nic: 2 },
      portRange: { from: 20_000, to: 20_003 },
      storage: [
        { mediaClass: "nvme", diskMiB: 500 },
        { mediaClass: "hdd", diskMiB: 500 },
      ],
      zones: [
        { id: 0, cpuMillis: 2_000, memoryMiB: 4_096, gpuUuids: ["GPU-0", "GPU-2"] },
        { id: 1, cpuMillis: 2_000, memoryMiB: 4_096, gpuUuids: ["GPU-1", "GPU-3"] },
      ],
    }),
  );
  const [node] = cluster.state.nodes.values();
  if (!node) throw new Error("no node");
  return node;
}

const grants = fc.record({
  cpuMillis: fc.constantFrom(0, 500, 1_000),
  memoryMiB: fc.constantFrom(0, 1_024, 2_048),
  diskMiB: fc.constantFrom(0, 200),
  storage: fc.constantFrom(0, 1),
  zone: fc.constantFrom(undefined, 0, 1),
  gpu: fc.constantFrom(null, 0, 1, 2, 3),
  share: fc.constantFrom(undefined, 400, 600),
  fpga: fc.constantFrom(0, 1),
  nic: fc.constantFrom(0, 1),
  port: fc.constantFrom(null, 20_000, 20_001, 20_002, 20_003),
  isStopping: fc.constantFrom(false, false, false, true),
});
type Sketch = typeof grants extends fc.Arbitrary<infer Value> ? Value : never;

/** Only what still has room: no grant ever takes what is taken. */
function liveOn(node: NodeRecord, sketches: readonly Sketch[]) {
  const usage = unused();
  const live: AllocationRecord[] = [];
  for (const [at, sketch] of sketches.entries()) {
    const taken = sketch.gpu === null ? undefined : usage.gpus.get(`GPU-${sketch.gpu}`);
    const share = sketch.share ?? 1_000;
    const isFull = (taken?.shareMillis ?? 0) + share > 1_000;
    const { cpuMillis, memoryMiB, diskMiB, storage } = sketch;
    const port = sketch.port !== null && usage.ports.has(sketch.port) ? null : sketch.port;
    const granted: Grant = {
      cpuMillis,
      memoryMiB,
      diskMiB,
      networkMbps: 0,
      gpuUuids: sketch.gpu === null || isFull ? [] : [`GPU-${sketch.gpu}`],
      ports: port === null ? {} : { p: port },
      devices: { fpga: sketch.fpga, nic: sketch.nic },
      ...(diskMiB > 0 ? { storage } : {}),
      ...(sketch.share === undefined ? {} : { gpuShareMillis: share, gpuMemoryMiB: share / 10 }),
      ...(sketch.zone === undefined ? {} : { zone: sketch.zone }),
    };
    const next = { ...usage.granted };
    if (next.cpuMillis + cpuMillis > 4_000 || next.memoryMiB + memoryMiB > 8_192) continue;
    addGrant(usage, granted);
    const status = sketch.isStopping ? "stopping" : "running";
    live.push({ number: at + 1, granted, status } as unknown as AllocationRecord);
  }
  expect(node.usage.allocations).toBe(0);
  return { usage, live };
}

const requests = fc.record({
  cpuMillis: fc.constantFrom(100, 2_000, 4_000),
  memoryMiB: fc.constantFrom(64, 4_096, 8_192),
  diskMiB: fc.constantFrom(0, 400),
  diskClass: fc.constantFrom(undefined, "nvme" as const, "hdd" as const),
  gpu: fc.constantFrom<GpuRequest | null>(
    null,
    { count: 2, models: [], memoryMiB: 0 },
    { count: 1, models: ["b"], memoryMiB: 0 },
    { count: 1, models: [], memoryMiB: 50, shareMillis: 500 },
  ),
  devices: fc.constantFrom(undefined, { fpga: 2, nic: 2 }),
  numa: fc.constantFrom(undefined, "require" as const),
  ports: fc.constantFrom({}, { p: { static: 20_001 } }, { p: { static: null } }),
});

function specOf({
  ports,
  ...resources
}: typeof requests extends fc.Arbitrary<infer V> ? V : never) {
  const { diskClass, devices, numa, ...amounts } = resources;
  const spec: WorkloadSpec = batchSpec({
    ports,
    resources: {
      ...amounts,
      ...(diskClass === undefined ? {} : { diskClass }),
      ...(devices === undefined ? {} : { devices }),
      ...(numa === undefined ? {} : { numa }),
    },
  });
  return spec;
}

test("the set to end is the smallest, of the least important, and only what ends anyway comes free", () => {
  const node = emptyNode();
  let found = 0;
  fc.assert(
    fc.property(fc.array(grants, { maxLength: 8 }), requests, (sketches, asked) => {
      const { usage, live } = liveOn(node, sketches);
      const request = placementRequest(specOf(asked));
      const fitsWithout = (ended: readonly AllocationRecord[]) => {
        const rest = unused();
        for (const one of live) if (!ended.includes(one)) addGrant(rest, one.granted);
        return firstLack(request, node, rest) === null;
      };
      const surroundings = NO_SURROUNDINGS;
      const ends = fewestEnds({ request, node, usage, surroundings }, live);
      if (fitsWithout([]) || !fitsWithout(live)) {
        expect(ends).toBeNull();
        return;
      }
      if (ends === null) throw new Error("all of them together would do");
      found += 1;
      expect(fitsWithout(ends)).toBe(true);
      for (const one of ends)
        expect(fitsWithout(ends.filter((other) => other !== one))).toBe(false);
      const leaving = live.filter(({ status }) => status === "stopping");
      const running = live.filter(({ status }) => status !== "stopping");
      const best = subsets(running).find((set) => fitsWithout([...leaving, ...set]));
      expect(ends.filter(({ status }) => status !== "stopping")).toEqual(best);
    }),
    { numRuns: 2_000 },
  );
  expect(found).toBeGreaterThan(100);
});

/** By size, then with the least important last member, and so on: as plainly as it can be done. */
function subsets(items: readonly AllocationRecord[]): AllocationRecord[][] {
  const masks = Array.from({ length: 2 ** items.length }, (_, mask) => mask);
  const sizeOf = (mask: number) => items.filter((_, at) => (mask >> at) & 1).length;
  return masks
    .sort((a, b) => sizeOf(a) - sizeOf(b) || a - b)
    .map((mask) => items.filter((_, at) => (mask >> at) & 1));
}
