import { expect, test } from "vitest";
import type { FreedBy } from "./explanation.ts";
import type { AllocationId, NodeId, WorkloadId } from "./ids.ts";
import { describeEstimatedStart, describeFreedBy, describeSmallerFit } from "./remedy-text.ts";

const one = (allocation: string): FreedBy["allocations"][number] => ({
  allocation: allocation as AllocationId,
  workload: "default/train" as WorkloadId,
  priority: 20,
  endsByUnixMs: null,
});

test("what has to end is named, with the time by which it has, if that is known", () => {
  expect(describeFreedBy({ count: 1, allocations: [one("a1")], endsByUnixMs: null }, 0)).toBe(
    "once a1 (default/train) has ended",
  );
  const two = [one("a1"), one("a2")];
  expect(describeFreedBy({ count: 2, allocations: two, endsByUnixMs: 720_000 }, 0)).toBe(
    "once a1 (default/train) and a2 (default/train) have ended, in 12m at the latest",
  );
  expect(describeFreedBy({ count: 9, allocations: two, endsByUnixMs: 10 }, 0)).toBe(
    "once a1 (default/train), a2 (default/train) and 7 more have ended, in a moment",
  );
});

test.each([
  ["cpuMillis", 4_000, 1_500, "1500m cpu instead of 4 cpu"],
  ["memoryMiB", 4_096, 1_536, "1.5GiB memory instead of 4GiB memory"],
  ["diskMiB", 4_096, 1_024, "1GiB disk instead of 4GiB disk"],
  ["networkMbps", 1_000, 50, "50Mbps network instead of 1Gbps network"],
  ["gpuCount", 8, 1, "1 GPU instead of 8 GPUs"],
] as const)("less of %s is told in its unit", (dimension, requested, fits, text) => {
  const nodeId = "n1" as NodeId;
  expect(describeSmallerFit({ dimension, requested, fits, nodeId, nodeName: "n1" })).toBe(
    `would fit on n1 with ${text}`,
  );
});

test("an estimated start is told from now", () => {
  expect(describeEstimatedStart(90_000, 0)).toBe(
    "starts in 1m30s at the latest, by the time limits of what runs",
  );
});
