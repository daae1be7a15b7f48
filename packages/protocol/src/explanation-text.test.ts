import { describe, expect, test } from "vitest";
import {
  describeExit,
  describeNearestFit,
  describeNoFit,
  describePending,
  describePendingGroup,
  describeRejection,
} from "./explanation-text.ts";
import { type NoFit, rejectionCodes } from "./explanation.ts";
import type { NodeId } from "./ids.ts";

const node = (nodeName: string, shortfalls: NoFit["nearest"][number]["shortfalls"]) => ({
  nodeId: nodeName as NodeId,
  nodeName,
  shortfalls,
});

const noFit: NoFit = {
  reason: "no_fit",
  nodesTotal: 3,
  rejections: [
    { code: "node.down", nodes: 1, subject: null, requested: null, best: null },
    { code: "gpu.capacity", nodes: 2, subject: null, requested: 8, best: 0 },
  ],
  nearest: [node("r1", [{ code: "gpu.capacity", requested: 8, available: 2 }])],
};

describe("explanations as sentences", () => {
  test("count every node and give the numbers", () => {
    expect(describeNoFit(noFit)).toBe(
      "fits none of 3 nodes: 1 node is down; needs 8 GPUs, more than 2 nodes have in all (most: 0)",
    );
    expect(describeNoFit({ ...noFit, nodesTotal: 0, rejections: [] })).toBe("there are no nodes");
    const broken = { code: "gpu.health", nodes: 1, subject: null, requested: 2, best: 1 } as const;
    expect(describeRejection(broken)).toBe("needs 2 GPUs, more than 1 node has healthy (most: 1)");
  });

  test("say what would make it fit", () => {
    const gpus = node("r1", [{ code: "gpu.capacity", requested: 8, available: 2 }]);
    expect(describeNearestFit(gpus)).toBe("fits on r1 with 6 more GPUs");
    const several = node("r2", [
      { code: "node.cordoned", requested: null, available: null },
      { code: "memory.free", requested: 2_048, available: 1_536 },
      { code: "cpu.capacity", requested: 2_000, available: 1_500 },
    ]);
    expect(describeNearestFit(several)).toBe(
      "fits on r2 with 512MiB more memory free and 500m more cpu if it is uncordoned",
    );
  });

  test("have words and units for every step a node can fail at", () => {
    for (const code of rejectionCodes) {
      for (const nodes of [1, 2]) {
        const sentence = describeRejection({
          code,
          nodes,
          subject: "8080",
          requested: 500,
          best: 100,
        });
        expect(sentence).toContain(nodes === 1 ? "1 node" : "2 nodes");
        expect(sentence).not.toMatch(/undefined|null|NaN/);
      }
    }
    expect(
      describeRejection({
        code: "memory.free",
        nodes: 1,
        subject: null,
        requested: 2_048,
        best: 512,
      }),
    ).toBe("needs 2GiB memory, more than 1 node has free (most: 512MiB)");
    expect(
      describeRejection({ code: "port.range", nodes: 1, subject: null, requested: 2, best: 1 }),
    ).toBe("needs 2 free ports of the node's range, more than 1 node has (most: 1)");
  });

  test("tell each reason for waiting", () => {
    const backoff = {
      reason: "backoff" as const,
      failures: 2,
      untilUnixMs: 12_000,
      lastFailure: "exited with code 1",
    };
    expect(describePending(backoff)).toBe(
      "failed 2 times, last: it exited with code 1; waits before the next attempt",
    );
    expect(describePending(backoff, { nowUnixMs: 2_000 })).toContain("next attempt in 10s");
    expect(describePending({ reason: "update", unavailable: 1, maxUnavailable: 1 })).toBe(
      "waits for its turn: 1 unavailable already, at most 1 may be",
    );
    expect(describePending({ reason: "predecessor", allocationId: "a3", nodeName: "r1" })).toBe(
      "waits for a3 on r1 to end",
    );
    expect(describePending({ reason: "preempting", victims: 1, nodeNames: ["r1"] })).toBe(
      "gets the room of 1 other on r1 when it has ended",
    );
    const nodeNames = ["r1", "r2", "r3", "r4", "r5"];
    expect(describePending({ reason: "preempting", victims: 9, nodeNames })).toBe(
      "gets the room of 9 others on r1, r2, r3 and 2 more when they have ended",
    );
    const gang = { reason: "gang" as const, size: 4, placeable: 3 };
    expect(describePending({ ...gang, within: "node.labels.rack", noFit: null })).toBe(
      "needs a place for all 4 at once within one node.labels.rack, has 3",
    );
    const indexes: [number, number][] = [
      [0, 1],
      [4, 4],
    ];
    expect(describePendingGroup({ count: 3, indexes, explanation: { reason: "queued" } })).toBe(
      "3 waiting (0-1, 4): accepted, not reached by the scheduler yet",
    );
  });

  test("tell how a process ended", () => {
    expect(describeExit({ kind: "code", code: 1 })).toBe("exited with code 1");
    expect(describeExit({ kind: "signal", signal: "SIGKILL" })).toBe("was killed by SIGKILL");
    expect(describeExit({ kind: "oom", limitMiB: 64 })).toBe(
      "ran out of memory and was killed: it may use 64MiB",
    );
    expect(describeExit({ kind: "oom", limitMiB: null })).toBe("ran out of memory and was killed");
    expect(describeExit({ kind: "timeout", limitMs: 60_000 })).toBe(
      "was ended after 1m, as long as it may run",
    );
    expect(describeExit({ kind: "disk", message: "the disk is full (ENOSPC)" })).toBe(
      "ran out of disk: the disk is full (ENOSPC)",
    );
  });
});
