import type { NodeId, NoFit, WorkloadSpec } from "@berth/protocol";
import { expect, test } from "vitest";
import { candidateTable } from "./candidate-table.ts";
import { noFitHead, noFitLines } from "./no-fit-lines.ts";
import { needsText, rulesText } from "./spec-text.ts";
import type { TextStream } from "./terminal.ts";

const plain: TextStream = {
  isTerminal: false,
  columns: 100,
  write: () => undefined,
  paint: (_style, text) => text,
};
const nodeId = "n1" as NodeId;

const noFit: NoFit = {
  reason: "no_fit",
  nodesTotal: 3,
  rejections: [
    { code: "node.cordoned", nodes: 1, subject: null, requested: null, best: null },
    { code: "gpu.free", nodes: 2, subject: null, requested: 8, best: 4 },
  ],
  nearest: [
    {
      nodeId,
      nodeName: "r1-s02",
      shortfalls: [{ code: "gpu.free", requested: 8, available: 4 }],
      freedBy: {
        count: 1,
        allocations: [
          {
            allocation: "a12" as never,
            workload: "default/train" as never,
            priority: 20,
            endsByUnixMs: 720_000,
          },
        ],
        endsByUnixMs: 720_000,
      },
    },
  ],
  smaller: [{ dimension: "gpuCount", requested: 8, fits: 4, nodeId, nodeName: "r1-s02" }],
  estimatedStartUnixMs: 720_000,
};

test("what does not fit is told in full: each node, what has to end, what would fit, and when", () => {
  expect(noFitHead(noFit)).toBe("fits none of 3 nodes");
  expect(noFitHead({ ...noFit, nodesTotal: 0 })).toBe("there are no nodes");
  expect(noFitLines(noFit, plain, 0)).toEqual([
    "  1 node is cordoned",
    "  needs 8 GPUs, more than 2 nodes have free (most: 4)",
    "  fits on r1-s02 with 4 more GPUs free, once a12 (default/train) has ended, in 12m at the latest",
    "  would fit on r1-s02 with 4 GPUs instead of 8 GPUs",
    "  starts in 12m at the latest, by the time limits of what runs",
  ]);
});

test("candidates stand side by side with every term that any of them has", () => {
  const table = candidateTable(
    plain,
    [
      { nodeId, nodeName: "n1", score: 5, terms: { stranded: 7, spread: -2 } },
      { nodeId, nodeName: "n2", score: 3, terms: { stranded: 1, affinity: 2 } },
    ],
    "  ",
  );
  expect(table.split("\n")).toEqual([
    "  NODE  SCORE  STRANDED  SPREAD  AFFINITY",
    "  n1        5         7      -2         0",
    "  n2        3         1       0         2",
    "",
  ]);
});

test("a spec is told by what it needs and by its rules, and a plain one has none", () => {
  const spec = {
    resources: {
      cpuMillis: 2_000,
      memoryMiB: 1_024,
      diskMiB: 10_240,
      networkMbps: 0,
      gpu: { count: 1, models: ["h100"], memoryMiB: 20_480, shareMillis: 500 },
      diskClass: "nvme",
      devices: { fpga: 2 },
      numa: "require",
      exclusiveCores: true,
    },
    ports: { http: { static: null } },
    constraints: ["node.labels.rack in [a, b]"],
    placement: {
      pool: "batch",
      spread: [{ by: "node.labels.rack", weight: 50, targets: {} }],
      distinct: [{ by: "node.name", max: 1 }],
      affinities: [{ expression: "node.labels.old == yes", weight: -10 }],
      timeLimitMs: 3_600_000,
    },
  } as unknown as WorkloadSpec;
  expect(needsText(spec)).toBe(
    "0.5 GPU (h100, 20GiB), 2 cores of its own, 1GiB memory, 10GiB nvme disk, 2 fpga, all in one NUMA zone, 1 port",
  );
  expect(rulesText(spec)).toBe(
    "in pool batch; node.labels.rack in [a, b]; at most 1 for each node.name; " +
      "spread over node.labels.rack; rather not node.labels.old == yes; for at most 1h",
  );
  expect(rulesText({ ...spec, constraints: [], placement: undefined })).toBeNull();
});
