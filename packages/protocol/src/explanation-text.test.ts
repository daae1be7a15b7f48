import { describe, expect, test } from "vitest";
import { type NoFit, rejectionCodes } from "./explanation.ts";
import {
  describeExit,
  describeNoFit,
  describePending,
  describePendingGroup,
  describePlacement,
  describeRejection,
  describeRemedy,
} from "./explanation-text.ts";
import { NodeId } from "./ids.ts";

const nodeId = NodeId.parse(`U${"A".repeat(55)}`);
const noFit: NoFit = {
  reason: "no_fit",
  nodesTotal: 10,
  rejections: [
    { code: "node.cordoned", nodes: 1, subject: null, requested: null, best: null },
    { code: "gpu.capacity", nodes: 6, subject: null, requested: 8, best: 2 },
    { code: "memory.free", nodes: 3, subject: null, requested: 2048, best: 512 },
  ],
  nearest: [
    {
      nodeId,
      nodeName: "r1-s02",
      shortfalls: [{ code: "gpu.capacity", requested: 8, available: 2 }],
    },
  ],
};

describe("why nothing fits", () => {
  test("[INV8] is a sentence in which every node is counted once", () => {
    const text = describeNoFit(noFit);
    expect(text).toBe(
      "fits none of 10 nodes: 1 node is cordoned; " +
        "needs 8 GPUs, more than 6 nodes have in all (most: 2); " +
        "needs 2GiB memory, more than 3 nodes have free (most: 512MiB)",
    );
  });

  test("says what would make it fit, from the nearest node", () => {
    expect(describeRemedy(noFit)).toBe("fits on r1-s02 with 6 more GPUs");
    expect(describeRemedy({ ...noFit, nearest: [] })).toBeNull();
  });

  test("without nodes says just that", () => {
    const empty = { ...noFit, nodesTotal: 0, rejections: [], nearest: [] };
    expect(describeNoFit(empty)).toBe("there are no nodes");
  });

  test.each(rejectionCodes)("has words for %s, with one node and with several", (code) => {
    const rejection = { code, subject: "x", requested: 5, best: 1 };
    const one = describeRejection({ ...rejection, nodes: 1 });
    const several = describeRejection({ ...rejection, nodes: 3 });
    expect(one).toContain("1 node");
    expect(several).toContain("3 nodes");
    expect(one + several).not.toMatch(/undefined|null|NaN|\[object/);
  });
});

describe("why an index waits", () => {
  test("tells the failures and the time until the next attempt", () => {
    const backoff = {
      reason: "backoff",
      failures: 2,
      untilUnixMs: 12_000,
      lastFailure: "exited with code 1",
    } as const;
    expect(describePending(backoff, { nowUnixMs: 2_000 })).toBe(
      "failed 2 times, last: it exited with code 1; next attempt in 10s",
    );
    expect(describePending(backoff, { nowUnixMs: 20_000 })).toContain("next attempt now");
  });

  test("names who it waits for", () => {
    expect(describePending({ reason: "predecessor", allocationId: "a7", nodeName: "r1-s01" })).toBe(
      "waits for a7 on r1-s01 to end",
    );
    expect(describePending({ reason: "update", unavailable: 1, maxUnavailable: 1 })).toContain(
      "at most 1",
    );
  });

  test("groups indexes as ranges, and shortens long lists", () => {
    const explanation = { reason: "queued" } as const;
    expect(
      describePendingGroup({
        count: 3,
        indexes: [
          [0, 1],
          [4, 4],
        ],
        explanation,
      }),
    ).toMatch(/^3 waiting \(0-1, 4\): /);
    const many = Array.from({ length: 20 }, (_, index): [number, number] => [index * 2, index * 2]);
    expect(describePendingGroup({ count: 20, indexes: many, explanation })).toContain("…");
  });
});

test("why it is where it is: the score with its terms, and the runner-up", () => {
  const chosen = { nodeId, nodeName: "r1-s01", score: 870, terms: { packing: 900, balance: -30 } };
  const next = { nodeId, nodeName: "r1-s02", score: 800, terms: { packing: 800 } };
  expect(describePlacement({ nodesTotal: 3, nodesFeasible: 2, candidates: [chosen, next] })).toBe(
    "2 of 3 nodes fit; r1-s01 scores 870 (packing 900, balance -30), next r1-s02 with 800",
  );
});

test("how a process ended follows the word 'it'", () => {
  expect(describeExit({ kind: "code", code: 3 })).toBe("exited with code 3");
  expect(describeExit({ kind: "signal", signal: "SIGKILL" })).toBe("was killed by SIGKILL");
  expect(describeExit({ kind: "prestart", message: "no such program" })).toContain("did not start");
  expect(describeExit({ kind: "unknown", message: "a reboot" })).toBe("ended unseen: a reboot");
});
