import { type ApiReply, type ClusterEvent, limits } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { applyEntry } from "../state/apply-entry.ts";
import { entry, nodeDescription, nodeId, requestId } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { handleCommand } from "./handle-command.ts";

const web = { kind: "service", name: "web", task: { command: ["run"] } };
const types = (events: readonly ClusterEvent[]) => events.map(({ type }) => type);

function decide(cluster: TestCluster, workloads: unknown[], request = 1) {
  const params = { requestId: requestId(request), workloads: workloads as never };
  return handleCommand(cluster.state, "workload.apply", params, { nowUnixMs: 0 });
}

function applied(
  cluster: TestCluster,
  workloads: unknown[],
): ApiReply<"workload.apply">["results"] {
  const result = cluster.command("workload.apply", { workloads: workloads as never });
  if (!result.ok) throw new Error(result.error.message);
  return (result.reply(cluster.state.seq) as ApiReply<"workload.apply">).results;
}

describe("apply", () => {
  test("creates, then updates, and leaves the same spec as it is", () => {
    const cluster = new TestCluster().join(1);
    expect(applied(cluster, [web])).toEqual([
      { workload: "default/web", version: 1, change: "created", warnings: [] },
    ]);
    expect(applied(cluster, [{ ...web, count: 2 }])).toMatchObject([
      { version: 2, change: "updated" },
    ]);
    const { seq } = cluster.state;
    expect(applied(cluster, [{ ...web, count: 2 }])).toMatchObject([
      { version: 2, change: "unchanged" },
    ]);
    expect(types(cluster.log[seq]?.events ?? [])).toEqual(["RequestAnswered"]);
  });

  test("with any problem changes nothing and names them all", () => {
    const cluster = new TestCluster();
    const result = decide(cluster, [
      web,
      { ...web, name: "Web!" },
      { kind: "service", name: "x", task: {} },
    ]);
    expect(result).toMatchObject({
      ok: false,
      error: { code: "spec.invalid", problems: [{ document: 1 }, { document: 2 }] },
    });
  });

  test("a workload keeps its kind", () => {
    const cluster = new TestCluster();
    applied(cluster, [web]);
    expect(decide(cluster, [{ ...web, kind: "batch" }], 7)).toMatchObject({
      ok: false,
      error: {
        code: "spec.invalid",
        problems: [{ path: ["kind"], message: expect.stringContaining("is a service") }],
      },
    });
  });

  test("more than one entry holds is refused as a whole", () => {
    const env = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`V${i}`, "x".repeat(100)]),
    );
    const large = ["a", "b", "c"].map((name) => ({
      ...web,
      name,
      task: { command: ["run"], env },
    }));
    const result = decide(new TestCluster(), large);
    expect(result).toMatchObject({
      ok: false,
      error: { code: "invalid", details: { bytesMax: limits.submissionBytesMax } },
    });
  });

  test("what is being removed cannot be applied until it is gone", () => {
    const cluster = new TestCluster().join(1);
    applied(cluster, [web]);
    cluster.converge().command("workload.remove", { workload: "web" });
    expect(decide(cluster, [web], 9)).toMatchObject({
      ok: false,
      error: { code: "conflict", retryable: true },
    });
    cluster.converge();
    expect(decide(cluster, [web], 9).ok).toBe(true);
  });
});

describe("a request id", () => {
  test("[INV3] asked again is answered the same, whatever has happened since", () => {
    const cluster = new TestCluster().join(1);
    const first = decide(cluster, [web]);
    if (!first.ok) throw new Error(first.error.message);
    const seq = cluster.state.seq + 1;
    applyEntry(cluster.state, seq, entry(1, 0, first.events));
    cluster.settle();
    const again = decide(cluster, [{ ...web, count: 3 }]);
    if (!again.ok) throw new Error(again.error.message);
    expect(again.events).toEqual([]);
    expect(again.reply(999)).toEqual(first.reply(seq));
    expect(again.reply(999)).toMatchObject({ seq, results: [{ change: "created" }] });
  });

  test("belongs to one method", () => {
    const cluster = new TestCluster().join(1);
    const first = decide(cluster, [web]);
    if (first.ok) cluster.append(first.events);
    const params = { requestId: requestId(1), workload: "web" };
    expect(handleCommand(cluster.state, "workload.stop", params, { nowUnixMs: 0 })).toMatchObject({
      ok: false,
      error: { code: "conflict" },
    });
  });

  test("of a refused request may be used again", () => {
    const cluster = new TestCluster().join(1);
    expect(decide(cluster, [{ kind: "none" }]).ok).toBe(false);
    expect(decide(cluster, [web]).ok).toBe(true);
  });
});

describe("stop and remove", () => {
  test("stopping twice is stopping", () => {
    const cluster = new TestCluster();
    applied(cluster, [web]);
    for (const expected of [["WorkloadStopped", "RequestAnswered"], ["RequestAnswered"]]) {
      const result = cluster.command("workload.stop", { workload: "web" });
      expect(result.ok && types(result.events)).toEqual(expected);
    }
  });

  test("removing what has nothing live removes it at once", () => {
    const cluster = new TestCluster();
    applied(cluster, [web]);
    const result = cluster.command("workload.remove", { workload: "default/web" });
    expect(result.ok && result.reply(7)).toEqual({
      seq: 7,
      workload: "default/web",
      removed: true,
    });
    expect(cluster.state.workloads.size).toBe(0);
  });

  test("an unknown name is not found, with similar ones", () => {
    const cluster = new TestCluster();
    applied(cluster, [web, { ...web, name: "website" }, { ...web, name: "api", project: "shop" }]);
    expect(cluster.command("workload.stop", { workload: "wbe" })).toMatchObject({
      error: { code: "not_found", hint: "did you mean 'web'?", details: { near: ["web"] } },
    });
    expect(cluster.command("workload.stop", { workload: "api" })).toMatchObject({
      error: { details: { near: ["shop/api"] } },
    });
  });
});

describe("nodes", () => {
  test("are cordoned, drained and made eligible again; the answer shows the node as it then is", () => {
    const cluster = new TestCluster().join(1);
    const replyOf = (result: ReturnType<typeof cluster.command>) =>
      result.ok ? (result.reply(1) as ApiReply<"node.cordon">).node : null;
    const cordon = cluster.command("node.cordon", { node: "n0", reason: "disk" });
    expect(replyOf(cordon)).toMatchObject({ eligibility: "cordoned", drain: null });
    const drain = cluster.command("node.drain", {
      node: "n0",
      deadlineMs: 5,
      ignoreSystem: true,
      reason: null,
    });
    expect(replyOf(drain)?.drain).toEqual({
      startedAtUnixMs: cluster.nowUnixMs,
      deadlineAtUnixMs: cluster.nowUnixMs + 5,
      ignoreSystem: true,
    });
    const again = cluster.command("node.cordon", { node: "n0", reason: null });
    expect(replyOf(again)?.drain).not.toBeNull();
    expect(replyOf(cluster.command("node.uncordon", { node: "n0" }))).toMatchObject({
      eligibility: "eligible",
      drain: null,
    });
    expect(cluster.state.nodes.get(nodeId(0))).toMatchObject({
      eligibility: "eligible",
      drain: null,
    });
  });

  test("are removed only when they are down and empty", () => {
    const cluster = new TestCluster().join(1);
    expect(cluster.command("node.remove", { node: "n0" })).toMatchObject({
      error: { code: "conflict" },
    });
    cluster.append([
      { type: "NodeStatusChanged", nodeId: nodeId(0), status: "down", reason: "gone" },
    ]);
    expect(cluster.command("node.remove", { node: "n0" }).ok).toBe(true);
    expect(cluster.state.nodes.size).toBe(0);
  });

  test("are found by name, by id and by a beginning of the id that is theirs alone", () => {
    const cluster = new TestCluster().join(2);
    cluster.hello(nodeDescription(12, { name: "n0" as never }));
    expect(cluster.command("node.uncordon", { node: "n1" }).ok).toBe(true);
    expect(cluster.command("node.uncordon", { node: nodeId(1) }).ok).toBe(true);
    expect(cluster.command("node.uncordon", { node: nodeId(1).slice(0, 56) }).ok).toBe(true);
    expect(cluster.command("node.uncordon", { node: "UAAAAA" })).toMatchObject({
      error: { code: "conflict", details: { candidates: [nodeId(0), nodeId(1), nodeId(12)] } },
    });
    expect(cluster.command("node.uncordon", { node: "n0" })).toMatchObject({
      error: { code: "conflict", details: { candidates: [nodeId(0), nodeId(12)] } },
    });
    expect(cluster.command("node.uncordon", { node: "n9" })).toMatchObject({
      error: { code: "not_found" },
    });
  });
});
