import type { WorkloadId } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { batchSpec } from "../testing/builders.ts";
import { newWorkload } from "./apply-workload-event.ts";
import type { WorkloadRecord } from "./cluster-state.ts";
import { WaitingLines } from "./waiting-lines.ts";

const hopeful = {
  reason: "no_fit",
  nodesTotal: 1,
  rejections: [{ code: "cpu.free", nodes: 1, subject: null, requested: 1, best: 0 }],
  nearest: [],
} as const;

function workload(number: number, priority: number, waits: boolean): WorkloadRecord {
  const id = `default/w${number}` as WorkloadId;
  const record = newWorkload(number, { workloadId: id, spec: batchSpec({ priority }) }, 0);
  const explanation = { ...hopeful, rejections: [...hopeful.rejections], nearest: [] };
  record.pending = waits ? [{ count: 1, indexes: [[0, 0]], explanation }] : [];
  return record;
}

test("the first of each line is the oldest that waits, whatever came and went before", () => {
  const change = fc.record({
    number: fc.nat({ max: 12 }),
    priority: fc.constantFrom(10, 50),
    waits: fc.boolean(),
    isForgotten: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change), fc.uniqueArray(fc.nat({ max: 12 })), (changes, passed) => {
      const lines = new WaitingLines();
      const known = new Map<number, WorkloadRecord>();
      for (const { number, priority, waits, isForgotten } of changes) {
        const record = workload(number, priority, waits);
        if (isForgotten) {
          lines.forget(record);
          known.delete(number);
        } else {
          lines.note(record);
          known.set(number, record);
        }
      }
      const passedOver = new Set(passed.map((number) => `default/w${number}` as WorkloadId));
      const expected = [10, 50].flatMap((priority) => {
        const [first] = [...known.values()]
          .filter(({ id, spec, pending }) => {
            return spec.priority === priority && pending.length > 0 && !passedOver.has(id);
          })
          .sort((a, b) => a.number - b.number);
        return first ? [first.id] : [];
      });
      expect([...lines.first(passedOver)].sort()).toEqual(expected.sort());
    }),
  );
});
