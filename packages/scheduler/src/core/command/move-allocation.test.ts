import { describe, expect, test } from "vitest";
import { decodeState } from "../state/snapshot/decode-state.ts";
import { encodeState } from "../state/snapshot/encode-state.ts";
import { stateHash } from "../state/state-hash.ts";
import { batchSpec, httpCheck, serviceSpec, systemSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

const movable = { movable: true };

function refusalOf(cluster: TestCluster, allocation: string, node: string | null = null) {
  const result = cluster.command("allocation.move", { allocation, node });
  if (result.ok) throw new Error("it was moved");
  return result.error;
}

/** A service of three on `n0`, the other nodes idle. */
function threeOnOne(spec: Parameters<typeof serviceSpec>[0] = {}): TestCluster {
  const cluster = new TestCluster().join(3);
  for (const node of ["n1", "n2"]) cluster.command("node.cordon", { node, reason: null });
  cluster.apply(serviceSpec({ count: 3, placement: movable, ...spec }));
  for (const node of ["n1", "n2"]) cluster.command("node.uncordon", { node });
  return cluster.converge();
}

const nodesOf = (cluster: TestCluster) => cluster.live("web").map(({ nodeName }) => nodeName);

describe("moving an allocation", () => {
  test("stops it and starts its index where it is to go, whatever placement would say", () => {
    for (const target of ["n1", "n2"]) {
      const cluster = threeOnOne();
      const moved = cluster.live("web")[1];
      const result = cluster.command("allocation.move", {
        allocation: moved?.id ?? "",
        node: target,
      });
      expect(result.ok && result.reply(7)).toEqual({
        seq: 7,
        allocation: moved?.id,
        workload: "default/web",
        index: 1,
      });
      expect(cluster.live("web")[1]).toMatchObject({
        id: moved?.id,
        status: "stopping",
        stopReason: "rebalanced",
      });
      cluster.converge();
      expect(nodesOf(cluster)).toEqual(["n0", target, "n0"]);
      expect(cluster.state.moves.size).toBe(0);
    }
  });

  test("is no failure of it: the next one starts at once", () => {
    const cluster = threeOnOne({ restart: strict });
    for (let round = 0; round < 5; round += 1) {
      const [first] = cluster.live("web");
      const node = round % 2 === 0 ? "n1" : "n2";
      cluster.command("allocation.move", { allocation: first?.id ?? "", node });
      cluster.converge();
      expect(nodesOf(cluster)[0]).toBe(node);
    }
  });

  test("goes where placement says when there is no room any more", () => {
    const cluster = threeOnOne();
    const [first] = cluster.live("web");
    cluster.command("allocation.move", { allocation: first?.id ?? "", node: "n1" });
    cluster.command("node.cordon", { node: "n1", reason: null });
    cluster.converge();
    expect(["n0", "n2"]).toContain(nodesOf(cluster)[0]);
    expect(cluster.state.moves.size).toBe(0);
  });

  test("is remembered by a snapshot", () => {
    const cluster = threeOnOne();
    const [first] = cluster.live("web");
    cluster.command("allocation.move", { allocation: first?.id ?? "", node: "n2" });
    const restored = decodeState(encodeState(cluster.state));
    expect([...restored.moves]).toEqual([...cluster.state.moves]);
    expect(stateHash(restored)).toBe(stateHash(cluster.state));
  });

  test("is forgotten with its workload", () => {
    const cluster = threeOnOne();
    const [first] = cluster.live("web");
    cluster.command("allocation.move", { allocation: first?.id ?? "", node: "n2" });
    cluster.command("workload.remove", { workload: "web" });
    cluster.converge();
    expect(cluster.state.moves.size).toBe(0);
  });
});

const strict = {
  attempts: 0,
  withinMs: 600_000,
  backoffMinMs: 60_000,
  backoffMaxMs: 60_000,
  exhausted: "delay",
} as const;

describe("a move is refused", () => {
  test("of what does not say that it may be moved, of gangs, and of system workloads", () => {
    const cluster = new TestCluster().join(2);
    cluster.apply(serviceSpec({ name: "fixed" }));
    cluster.apply(batchSpec({ name: "gang", placement: { ...movable, gang: { within: null } } }));
    cluster.apply(systemSpec({ name: "probe", placement: movable }));
    cluster.converge();
    for (const name of ["fixed", "gang", "probe"]) {
      const [one] = cluster.live(name);
      expect(refusalOf(cluster, one?.id ?? "")).toMatchObject({ code: "conflict" });
    }
  });

  test("while as many are unavailable as its budget allows, and may be tried again", () => {
    const cluster = threeOnOne({ update: { maxUnavailable: 1 } });
    const [first, second] = cluster.live("web");
    cluster.command("allocation.move", { allocation: first?.id ?? "", node: null });
    expect(refusalOf(cluster, second?.id ?? "")).toMatchObject({
      code: "conflict",
      retryable: true,
      details: { unavailable: 1, max: 1 },
    });
    cluster.converge();
    expect(
      cluster.command("allocation.move", { allocation: second?.id ?? "", node: null }).ok,
    ).toBe(true);
  });

  test("for good when its budget is nothing", () => {
    const cluster = threeOnOne({ placement: { ...movable, disruptionMaxUnavailable: 0 } });
    const [first] = cluster.live("web");
    expect(refusalOf(cluster, first?.id ?? "")).toMatchObject({ retryable: false });
  });

  test("of what does not serve", () => {
    const cluster = threeOnOne({ check: httpCheck, ports: { http: { static: null } } });
    const [first] = cluster.live("web");
    if (first) cluster.report(first.nodeId, [{ ...runs, allocationId: first.id }]);
    expect(refusalOf(cluster, first?.id ?? "")).toMatchObject({
      details: { status: "running", health: "starting" },
    });
  });

  test("to where it is, and to where it does not fit", () => {
    const cluster = threeOnOne({
      resources: { cpuMillis: 1_000 },
      placement: { ...movable, distinct: [{ by: "node.name", max: 3 }] },
    });
    cluster.apply(batchSpec({ name: "big", resources: { cpuMillis: 3_500 } }));
    cluster.converge();
    const full = cluster.only("big").nodeName;
    const [first] = cluster.live("web");
    expect(refusalOf(cluster, first?.id ?? "", "n0").message).toContain("already");
    expect(refusalOf(cluster, first?.id ?? "", full)).toMatchObject({
      code: "conflict",
      details: { code: "cpu.free", requested: 1_000, available: 500 },
    });
    expect(refusalOf(cluster, first?.id ?? "", "n9").code).toBe("not_found");
  });
});

const runs = {
  state: "running",
  startedAtUnixMs: 1,
  pid: 1,
  health: "starting",
  message: null,
} as const;
