import { expect, test } from "vitest";
import { measureState } from "./state.ts";

test("the measurement of the state runs in small, and the snapshot it writes reads back equal", () => {
  const measured = measureState({ nodes: 20, workloads: 5, allocations: 2_000 });
  expect(measured.bytesPerAllocation).toBeGreaterThan(0);
  expect(measured.snapshotMiB).toBeGreaterThan(0);
});
