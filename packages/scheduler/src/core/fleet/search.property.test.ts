import type { WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { newPlacementRequest } from "../place/placement-request.ts";
import { batchSpec, gpu, nodeDescription } from "../testing/builders.ts";
import type { FleetRequest } from "./fleet-request.ts";
import type { Fleet } from "./fleet.ts";
import { LOSS_MAX, lossAt } from "./node-loss.ts";
import { Placer } from "./placer.ts";
import { BEFORE_ALL } from "./search.ts";

const NODES = 180;
const RUNS = 25;

/** So many that blocks are split and joined, and most of the nodes fill up. */
const step = fc.record({
  cpuMillis: fc.constantFrom(100, 250, 900, 1_700, 3_000),
  memoryMiB: fc.constantFrom(64, 300, 1_100, 3_500),
  gpu: fc.constantFrom<WorkloadSpec["resources"]["gpu"]>(
    null,
    { count: 1, models: [], memoryMiB: 0 },
    { count: 2, models: ["a100"], memoryMiB: 0 },
    { count: 1, models: [], memoryMiB: 0, shareMillis: 330 },
    { count: 1, models: ["h100"], memoryMiB: 0, shareMillis: 810 },
  ),
  constraints: fc.constantFrom<string[]>([], [], [], ["node.labels.rack == r3"]),
  ended: fc.array(fc.nat(), { maxLength: 2 }),
});

function joinNodes(placer: Placer): void {
  for (let n = 0; n < NODES; n += 1) {
    const model = n % 3 === 0 ? "NVIDIA A100" : "NVIDIA H100";
    const gpus = Array.from({ length: n % 5 }, (_, at) => gpu(at, { model, uuid: `G${at}-${n}` }));
    const cpuMillis = 2_000 * (1 + (n % 4));
    const capacity = { cpuMillis, memoryMiB: 8_192, diskMiB: 102_400, networkMbps: 1_000 };
    placer.join(nodeDescription(n, { gpus, capacity, labels: { rack: `r${n % 12}` } }));
  }
}

/** Every open node is asked; the first by id of those that lose least. */
function bestOfAll(fleet: Fleet, request: FleetRequest): { slot: number; loss: number } {
  let best = { slot: -1, loss: LOSS_MAX };
  for (let at = 0; at < fleet.nodes; at += 1) {
    const slot = fleet.order[at] ?? -1;
    const loss = fleet.isOpen(slot) ? lossAt(fleet, request, slot) : LOSS_MAX;
    if (loss < best.loss) best = { slot, loss };
  }
  return best;
}

test("the search finds what a loop over all nodes finds, and what comes next", () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 300, maxLength: 400, size: "max" }), (steps) => {
      const placer = new Placer();
      joinNodes(placer);
      const { fleet, search } = placer.engine;
      const running: number[] = [];
      const task = new Int32Array(1);
      for (const { cpuMillis, memoryMiB, gpu: gpus, constraints, ended } of steps) {
        const resources = { cpuMillis, memoryMiB, gpu: gpus };
        const spec: WorkloadSpec = batchSpec({ resources, constraints });
        const request = placer.engine.compile(newPlacementRequest(spec), [], null);
        const expected = bestOfAll(fleet, request);
        expect(search.find(request)).toBe(expected.slot);
        if (expected.slot < 0) continue;
        found += 1;
        expect(search.loss).toBe(expected.loss);
        const rank = fleet.columns.rank[expected.slot] ?? -1;
        const next = search.find(request, { ...expected, rank });
        expect(search.find(request, BEFORE_ALL)).toBe(expected.slot);
        expect(next).not.toBe(expected.slot);
        expect(placer.place(spec, 1, task)).toBe(1);
        expect(placer.slotOf(task[0] ?? -1)).toBe(expected.slot);
        running.push(task[0] ?? -1);
        for (const pick of ended) {
          const [one] = running.splice(pick % running.length, 1);
          if (one !== undefined && pick % 3 === 0) placer.end(one);
        }
      }
    }),
    { numRuns: RUNS },
  );
  expect(found).toBeGreaterThan(4_000);
});
