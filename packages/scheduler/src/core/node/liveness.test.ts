import { describe, expect, test } from "vitest";
import { nodeId, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { Liveness } from "./liveness.ts";

function started(nodes = 1) {
  const cluster = new TestCluster().join(nodes);
  const liveness = new Liveness();
  liveness.leaderStarted(0);
  /** Looks each half second up to a moment, and applies what is due. */
  const lookUntil = (monotonicMs: number, from = 0) => {
    for (let ms = from; ms <= monotonicMs; ms += 500) {
      cluster.append(liveness.due(cluster.state, ms, cluster.nowUnixMs));
    }
  };
  const status = (n = 0) => cluster.state.nodes.get(nodeId(n))?.status;
  return { cluster, liveness, lookUntil, status };
}

describe("liveness", () => {
  test("a node is suspect after 3 s of silence, down after 10 s, and ready with its next beat", () => {
    const { liveness, lookUntil, status } = started();
    liveness.beat(nodeId(0), 1_000);
    lookUntil(3_500);
    expect(status()).toBe("ready");
    lookUntil(4_000, 4_000);
    expect(status()).toBe("suspect");
    lookUntil(10_500, 4_500);
    expect(status()).toBe("suspect");
    lookUntil(11_000, 11_000);
    expect(status()).toBe("down");
    liveness.beat(nodeId(0), 12_000);
    lookUntil(12_000, 11_500);
    expect(status()).toBe("ready");
  });

  test("a new leader gives nodes it has not heard the full time", () => {
    const { lookUntil, status } = started();
    lookUntil(9_500);
    expect(status()).toBe("ready");
    lookUntil(10_000, 10_000);
    expect(status()).toBe("down");
  });

  test("a leader that slept blames nobody", () => {
    const { liveness, lookUntil, status } = started();
    liveness.beat(nodeId(0), 500);
    lookUntil(1_000);
    lookUntil(61_000, 61_000);
    expect(status()).toBe("ready");
    lookUntil(70_500, 61_500);
    expect(status()).toBe("ready");
    lookUntil(71_000, 71_000);
    expect(status()).toBe("down");
  });

  test("a node that is down loses what it ran, even if the leader stopped half way", () => {
    const { cluster, liveness, lookUntil } = started();
    cluster.apply(serviceSpec({ count: 2 }));
    cluster.startAll();
    lookUntil(9_500);
    const due = liveness.due(cluster.state, 10_000, cluster.nowUnixMs);
    expect(due.map(({ type }) => type)).toEqual([
      "NodeStatusChanged",
      "AllocationFinished",
      "AllocationFinished",
    ]);
    cluster.append(due.slice(0, 2));
    cluster.append(liveness.due(cluster.state, 10_500, cluster.nowUnixMs));
    expect(cluster.state.nodes.get(nodeId(0))?.live.size).toBe(0);
    expect(liveness.due(cluster.state, 11_000, cluster.nowUnixMs)).toEqual([]);
  });

  test("names the next moment to look, never later than a beat", () => {
    const { cluster, liveness } = started();
    liveness.beat(nodeId(0), 100);
    liveness.due(cluster.state, 2_800, cluster.nowUnixMs);
    expect(liveness.nextDueMonotonicMs(cluster.state)).toBe(3_100);
    liveness.beat(nodeId(0), 2_900);
    expect(liveness.nextDueMonotonicMs(cluster.state)).toBe(3_800);
  });
});
