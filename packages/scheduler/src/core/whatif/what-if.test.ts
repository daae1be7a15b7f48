import { api, type Hypothesis, type HypothesisInput, limits, type WhatIf } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { handleLongQuery, handleQuery } from "../query/handle-query.ts";
import type { QueryResult } from "../query/query-result.ts";
import { stateHash } from "../state/state-hash.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec, systemSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

function question(hypothesis: HypothesisInput): { hypothesis: Hypothesis } {
  return api["cluster.whatif"].request.parse({ hypothesis });
}

function asked(cluster: TestCluster, hypothesis: HypothesisInput): QueryResult<WhatIf> {
  const at = { nowUnixMs: cluster.nowUnixMs };
  return handleQuery(cluster.state, "cluster.whatif", question(hypothesis), at);
}

/** The answer, held against the method's own schema; the cluster is the same afterwards. */
function whatIf(cluster: TestCluster, hypothesis: HypothesisInput): WhatIf {
  const before = stateHash(cluster.state);
  const result = asked(cluster, hypothesis);
  expect(stateHash(cluster.state)).toBe(before);
  if (!result.ok) throw new Error(result.error.message);
  const sent = JSON.parse(JSON.stringify(result.value)) as unknown;
  expect(api["cluster.whatif"].reply.parse(sent)).toEqual(result.value);
  return result.value;
}

function refusalOf(cluster: TestCluster, hypothesis: HypothesisInput) {
  const result = asked(cluster, hypothesis);
  if (result.ok) throw new Error("it was answered");
  return result.error;
}

function racks(): TestCluster {
  return new TestCluster().join(4, (n) =>
    nodeDescription(n, {
      labels: { rack: n < 2 ? "a" : "b" },
      gpus: n % 2 === 0 ? [gpu(2 * n), gpu(2 * n + 1)] : [],
    }),
  );
}

const changed = ({ changes }: WhatIf) =>
  changes.map(({ change, workload, index, from, to }) =>
    [change, `${workload.slice("default/".length)}[${index}]`, from, to].join(" "),
  );

describe("what if nodes drain", () => {
  test("says where everything on them goes, at no more than its workload's pace", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4 }));
    cluster.apply(systemSpec({ name: "probe" }));
    cluster.converge();
    const answer = whatIf(cluster, { kind: "drain", nodes: ["n1", "n3"] });
    const there = cluster.live("web").filter(({ nodeName }) => ["n1", "n3"].includes(nodeName));
    expect(answer.counts).toMatchObject({ moved: there.length, displaced: 0, ended: 2 });
    expect(changed(answer)).toContain("ended probe[2] n1 ");
    for (const { to } of answer.changes) expect(["n0", "n2", null]).toContain(to);
    expect(answer.waiting).toEqual([]);
    const cpu = answer.after.dimensions.find(({ dimension }) => dimension === "cpuMillis");
    expect(cpu?.capacity).toBe(8_000);
  });

  test("says what would have no place, and why", () => {
    const cluster = racks();
    cluster.apply(batchSpec({ name: "train", count: 4, resources: { gpu: anyGpu(1) } }));
    cluster.converge();
    const answer = whatIf(cluster, { kind: "drain", nodes: ["n0"] });
    expect(answer.counts).toMatchObject({ displaced: 2, moved: 0 });
    expect(answer.changes.map(({ change, to }) => [change, to])).toEqual([
      ["displaced", null],
      ["displaced", null],
    ]);
    expect(answer.waiting).toMatchObject([
      { workload: "default/train", before: 0, waiting: 2, groups: [{ count: 2 }] },
    ]);
    const [group] = answer.waiting[0]?.groups ?? [];
    expect(group?.explanation).toMatchObject({ reason: "no_fit", nodesTotal: 4 });
    expect(answer.waitingWorkloads).toBe(1);
  });
});

describe("what if nodes are lost", () => {
  test("by label, what ran there starts elsewhere and their room is gone", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4 }));
    cluster.converge();
    const answer = whatIf(cluster, { kind: "lose.label", label: "rack", value: "a" });
    expect(answer.counts).toMatchObject({ moved: 2 });
    for (const { from, to } of answer.changes) {
      expect(["n0", "n1"]).toContain(from);
      expect(["n2", "n3"]).toContain(to);
    }
    const gpus = (side: "before" | "after") =>
      answer[side].dimensions.find(({ dimension }) => dimension === "gpuMillis")?.capacity;
    expect([gpus("before"), gpus("after")]).toEqual([4_000, 2_000]);
  });

  test("an unknown label is refused with the ones that are near", () => {
    const error = refusalOf(racks(), { kind: "lose.label", label: "rack", value: "c" });
    expect(error).toMatchObject({ code: "not_found", hint: "did you mean 'rack=a'?" });
  });
});

describe("what if nodes are added", () => {
  test("what waits starts on them, and headroom grows by them", () => {
    const cluster = racks();
    cluster.apply(batchSpec({ name: "train", count: 8, resources: { gpu: anyGpu(1) } }));
    cluster.converge();
    const answer = whatIf(cluster, { kind: "add", count: 2, like: "n0" });
    expect(answer.counts).toMatchObject({ started: 4, moved: 0 });
    expect(new Set(answer.changes.map(({ to }) => to))).toEqual(
      new Set(["n0-like-1", "n0-like-2"]),
    );
    expect(answer.waiting).toEqual([]);
  });
});

describe("what if work is submitted", () => {
  test("it is placed among what is there, and what it takes is seen", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4, resources: { cpuMillis: 1_000 } }));
    cluster.converge();
    const job = {
      kind: "batch",
      name: "job",
      count: 2,
      task: { command: ["run"] },
      resources: { cpu: 2, memory: "64MiB" },
    };
    const answer = whatIf(cluster, { kind: "submit", workloads: [job] });
    expect(answer.counts).toMatchObject({ started: 2, moved: 0 });
    const [web] = answer.before.requests;
    expect(web).toMatchObject({ workload: "default/web", wanted: 4, fits: 12 });
    expect(answer.after.requests[0]?.fits).toBe(8);
  });

  test("mistakes in it are the ones that apply would find", () => {
    const error = refusalOf(racks(), { kind: "submit", workloads: [{ kind: "batch", cuont: 2 }] });
    expect(error.code).toBe("spec.invalid");
    expect(error.problems.length).toBeGreaterThan(0);
  });
});

describe("what if a workload is resized", () => {
  test("more instances start, fewer end", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 2 }));
    cluster.converge();
    const more = whatIf(cluster, { kind: "resize", workload: "web", count: 5 });
    expect(more.counts).toMatchObject({ started: 3, ended: 0 });
    const fewer = whatIf(cluster, { kind: "resize", workload: "web", count: 1 });
    expect(fewer.counts).toMatchObject({ started: 0, ended: 1 });
  });

  test("larger instances replace the others one by one, as far as they fit", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4, resources: { cpuMillis: 2_000 } }));
    cluster.converge();
    const answer = whatIf(cluster, { kind: "resize", workload: "web", cpuMillis: 3_000 });
    const { moved, restarted, displaced } = answer.counts;
    expect(moved + restarted + displaced).toBe(4);
    const huge = whatIf(cluster, { kind: "resize", workload: "web", cpuMillis: 8_000 });
    expect(huge.counts).toMatchObject({ displaced: 1, moved: 0, restarted: 0 });
    expect(huge.waiting[0]).toMatchObject({ before: 0, waiting: 4 }); // the others wait their turn
  });

  test("what no file could say is refused", () => {
    const cluster = racks();
    cluster.apply(systemSpec({ name: "probe" }));
    const error = refusalOf(cluster, { kind: "resize", workload: "probe", count: 2 });
    expect(error).toMatchObject({ code: "invalid" });
    expect(refusalOf(cluster, { kind: "resize", workload: "prob", count: 2 })).toMatchObject({
      code: "not_found",
    });
  });
});

describe("an answer", () => {
  test("is compared with where the cluster comes to rest anyway", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4 })); // placed, and nothing runs yet
    const answer = whatIf(cluster, { kind: "resize", workload: "web", count: 4 });
    expect(answer).toMatchObject({ changes: [], waiting: [] });
    expect(answer.after).toEqual(answer.before);
  });

  test("starts from the state at its first part, whatever happens between parts", () => {
    const cluster = racks();
    cluster.apply(serviceSpec({ name: "web", count: 4 }));
    cluster.converge();
    const { seq } = cluster.state;
    const at = { nowUnixMs: cluster.nowUnixMs };
    const params = question({ kind: "drain", nodes: ["n0"] });
    const undisturbed = handleQuery(cluster.state, "cluster.whatif", params, at);
    const work = handleLongQuery(cluster.state, "cluster.whatif", params, at);
    work.next();
    cluster.command("workload.remove", { workload: "web" });
    cluster.converge();
    for (;;) {
      const part = work.next();
      if (part.done !== true) continue;
      expect(part.value).toEqual(undisturbed);
      expect(part.value).toMatchObject({ value: { seq } });
      return;
    }
  });

  test("lists a bounded number of changes and counts all", () => {
    const cluster = new TestCluster().join(20);
    const count = limits.whatIfListedMax + 50;
    cluster.apply(batchSpec({ name: "many", count: 1 }));
    const answer = whatIf(cluster, { kind: "resize", workload: "many", count });
    expect(answer.changes).toHaveLength(limits.whatIfListedMax);
    expect(answer.counts.started).toBe(count - 1);
  });
});

function anyGpu(count: number) {
  return { count, models: [], memoryMiB: 0 };
}
