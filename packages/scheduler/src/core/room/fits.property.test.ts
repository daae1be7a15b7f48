import type { Gpu, Grant, NodeDescription } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { grantOn } from "../place/grant.ts";
import { firstLack } from "../place/check-node.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { newNode } from "../state/apply-node-event.ts";
import { addGrant } from "../state/node-usage.ts";
import { batchSpec, gpu, nodeDescription } from "../testing/builders.ts";
import { fitsOf, tryFits } from "./fits.ts";

const gpuRequest = fc.oneof(
  fc.constant(null),
  fc.record({
    count: fc.integer({ min: 1, max: 3 }),
    models: fc.constantFrom<string[]>([], ["h100"], ["a100"]),
    memoryMiB: fc.constantFrom(0, 50_000),
  }),
  fc.record({
    count: fc.constant(1),
    models: fc.constantFrom<string[]>([], ["h100"]),
    memoryMiB: fc.constantFrom(0, 10_000, 30_000),
    shareMillis: fc.constantFrom(100, 250, 333, 500),
  }),
);

const request: fc.Arbitrary<PlacementRequest> = fc
  .record({
    cpuMillis: fc.constantFrom(0, 100, 700, 1_000),
    memoryMiB: fc.constantFrom(64, 500, 2_000),
    diskMiB: fc.constantFrom(0, 0, 10_000, 30_000),
    networkMbps: fc.constantFrom(0, 0, 100),
    gpu: gpuRequest,
    devices: fc.constantFrom({}, {}, { fpga: 2 }),
    isExclusive: fc.constantFrom(false, false, true),
  })
  .map(({ isExclusive, ...resources }) =>
    placementRequest(
      batchSpec({
        resources: {
          ...resources,
          ...(isExclusive ? { exclusiveCores: true, cpuMillis: 1_000 } : {}),
        },
      }),
    ),
  );

const gpus: fc.Arbitrary<Gpu[]> = fc
  .array(
    fc.constantFrom<Partial<Gpu>>(
      {},
      {},
      { model: "NVIDIA A100", memoryMiB: 40_960 },
      { memoryMiB: null },
      { health: { state: "unhealthy", reason: "lost" } },
    ),
    { maxLength: 5 },
  )
  .map((list) => list.map((more, i) => gpu(i, more)));

const node = fc
  .record({
    gpus,
    overcommit: fc.constantFrom(100, 100, 150),
    storage: fc.constantFrom<NodeDescription["storage"]>(undefined, [
      { mediaClass: "nvme", diskMiB: 42_400 },
      { mediaClass: "hdd", diskMiB: 60_000 },
    ]),
    networkMbps: fc.constantFrom(null, 1_000),
  })
  .map(({ gpus: devices, overcommit, storage, networkMbps }) => {
    const capacity = { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 102_400, networkMbps };
    const described = nodeDescription(1, {
      gpus: devices,
      capacity,
      devices: { fpga: 5 },
      ...(storage ? { storage } : {}),
    });
    const made = newNode(1, described, 0);
    made.cpuOvercommitPercent = overcommit;
    return made;
  });

test("how often a request fits is how often it can be placed, whatever is there already", () => {
  fc.assert(
    fc.property(node, fc.array(request, { maxLength: 6 }), request, (one, others, asked) => {
      for (const other of others) {
        if (firstLack(other, one, one.usage) !== null) continue;
        const granted: Grant = grantOn(other, one, one.usage, 1);
        addGrant(one.usage, granted);
      }
      expect(fitsOf(asked, one, one.usage)).toBe(tryFits(asked, one, one.usage));
    }),
    { numRuns: 1_000 },
  );
});
