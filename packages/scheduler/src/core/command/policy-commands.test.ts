import { limits, type ProjectName } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { handleQuery, type ReadMethod } from "../query/handle-query.ts";
import { batchSpec, nodeDescription, T0_UNIX_MS } from "../testing/builders.ts";
import { QueueCluster } from "../testing/queue-cluster.ts";
import type { CommandResult } from "./handle-command.ts";

const HOUR_MS = 3_600_000;

function configure(cluster: QueueCluster, project: object): CommandResult {
  return cluster.command("project.configure", { project: project as never });
}

function problemsOf(result: CommandResult) {
  if (result.ok) throw new Error("it was accepted");
  expect(result.error.code).toBe("spec.invalid");
  return result.error.problems.map(({ path, message, suggestion }) => ({
    path: path.join("."),
    message,
    suggestion,
  }));
}

function ask<M extends ReadMethod>(cluster: QueueCluster, method: M, params: object = {}) {
  const result = handleQuery(cluster.state, method, params as never, {
    nowUnixMs: cluster.nowUnixMs,
  });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe("a project", () => {
  test("is made with defaults, and changed only where something is said", () => {
    const cluster = new QueueCluster();
    configure(cluster, { name: "lab", weight: 3, limit: { cpu: "4", gpu: 0.5 } });
    const answer = configure(cluster, { name: "lab", limit: { cpu: null, memory: "1GiB" } });
    expect(answer.ok && answer.reply(1)).toMatchObject({
      change: "updated",
      project: {
        name: "lab",
        parent: null,
        weight: 3,
        limit: { cpuMillis: null, memoryMiB: 1_024, gpuMillis: 500 },
        mayBorrow: true,
      },
    });
    const again = configure(cluster, { name: "lab" });
    expect(again.ok && again.events.map(({ type }) => type)).toEqual(["RequestAnswered"]);
  });

  test("that is wrong is refused with everything at once, with path and remedy", () => {
    const cluster = new QueueCluster();
    expect(
      problemsOf(
        configure(cluster, {
          name: "Lab",
          wieght: 2,
          weight: 0,
          limit: { cpu: "-4", memory: "4gib", gpu: 1e15, disk: 1 },
          guaranteed: { gpu: 0.0001 },
        }),
      ),
    ).toMatchObject([
      { path: "name", message: expect.stringContaining("lower-case") as string },
      { path: "weight", message: "at least 1" },
      { path: "guaranteed.gpu", message: expect.stringContaining("steps of 0.001") as string },
      { path: "limit.cpu", message: expect.stringContaining("write cores as") as string },
      { path: "limit.memory", message: expect.stringContaining("did you mean 'GiB'") as string },
      { path: "limit.gpu", message: "larger than any cluster has" },
      { path: "limit.disk", suggestion: "known here: cpu, memory, gpu" },
      { path: "wieght", suggestion: "did you mean 'weight'?" },
    ]);
  });

  test("names an unknown parent, and a circle", () => {
    const cluster = new QueueCluster();
    for (const [name, parent] of [
      ["a", null],
      ["b", "a"],
      ["c", "b"],
    ]) {
      configure(cluster, { name, parent });
    }
    expect(problemsOf(configure(cluster, { name: "d", parent: "bb" }))).toEqual([
      {
        path: "parent",
        message: "nobody configured a project 'bb'",
        suggestion: expect.stringContaining("did you mean 'b'?") as string,
      },
    ]);
    expect(problemsOf(configure(cluster, { name: "a", parent: "c" }))).toMatchObject([
      { path: "parent", message: "a project cannot be part of itself: a → c → b → a" },
    ]);
    expect(problemsOf(configure(cluster, { name: "a", parent: "a" }))).toMatchObject([
      { message: "a project cannot be part of itself: a → a" },
    ]);
  });

  test("is nested only so deep", () => {
    const cluster = new QueueCluster();
    configure(cluster, { name: "p1" });
    for (let n = 2; n <= limits.projectDepthMax; n += 1) {
      expect(configure(cluster, { name: `p${n}`, parent: `p${n - 1}` }).ok).toBe(true);
    }
    const last = `p${limits.projectDepthMax}`;
    expect(problemsOf(configure(cluster, { name: "more", parent: last }))).toMatchObject([
      { path: "parent", message: `9 projects above each other; at most 8` },
    ]);
  });

  test("is guaranteed no more than it, or all parts of its parent, may have", () => {
    const cluster = new QueueCluster();
    configure(cluster, { name: "lab", limit: { cpu: "10" } });
    configure(cluster, { name: "a", parent: "lab", guaranteed: { cpu: "6" } });
    const wrong = { name: "b", parent: "lab", guaranteed: { cpu: "8" }, limit: { cpu: "7" } };
    expect(problemsOf(configure(cluster, wrong))).toEqual([
      {
        path: "guaranteed.cpu",
        message: "8 cpu guaranteed is more than the limit of 7 cpu",
        suggestion: "guarantee at most 7 cpu, or raise the limit to 8 cpu",
      },
      {
        path: "guaranteed.cpu",
        message: "the projects of lab would be guaranteed 14 cpu together; its limit is 10 cpu",
        suggestion: "guarantee at most 4 cpu, or raise the limit of lab",
      },
    ]);
    expect(problemsOf(configure(cluster, { name: "lab", limit: { cpu: "5" } }))).toMatchObject([
      { path: "limit.cpu", suggestion: "set at least 6 cpu, or guarantee them less" },
    ]);
  });

  test("goes away only when nothing is part of it", () => {
    const cluster = new QueueCluster();
    configure(cluster, { name: "lab" });
    configure(cluster, { name: "sub", parent: "lab" });
    const kept = cluster.command("project.remove", { project: "lab" });
    expect(kept).toMatchObject({
      ok: false,
      error: { code: "conflict", message: "sub is part of it" },
    });
    expect(cluster.command("project.remove", { project: "sub" }).ok).toBe(true);
    expect(cluster.command("project.remove", { project: "lab" }).ok).toBe(true);
    expect(cluster.command("project.remove", { project: "lab" })).toMatchObject({
      ok: false,
      error: { code: "not_found" },
    });
  });

  test("[INV7] refuses at once what its limit can never allow", () => {
    const cluster = new QueueCluster().join(1);
    configure(cluster, { name: "lab", limit: { cpu: "2" } });
    configure(cluster, { name: "sub", parent: "lab" });
    const workload = (cpu: string, more = {}) => ({
      kind: "batch",
      name: "job",
      project: "sub",
      count: 3,
      task: { command: ["run"] },
      resources: { cpu },
      ...more,
    });
    const apply = (one: object) => cluster.command("workload.apply", { workloads: [one as never] });
    expect(problemsOf(apply(workload("3")))).toEqual([
      {
        path: "resources.cpu",
        message: "project lab, which sub is part of, may use 2 cpu at most; each of it needs 3 cpu",
        suggestion: "ask for less, or have the limit raised (berth project set lab --limit cpu=…)",
      },
    ]);
    expect(apply(workload("1")).ok).toBe(true);
  });
});

test("a pool's overcommit is changed, and told", () => {
  const cluster = new QueueCluster().join(2, (n) =>
    nodeDescription(n, n === 0 ? {} : { pool: "dense" }),
  );
  const pool = (cpuOvercommit: unknown) =>
    cluster.command("pool.configure", { pool: { name: "dense", cpuOvercommit } as never });
  expect(pool(1.5).ok).toBe(true);
  expect(ask(cluster, "pool.list").pools).toEqual([
    { name: "default", cpuOvercommitPercent: 100, nodes: 1 },
    { name: "dense", cpuOvercommitPercent: 150, nodes: 1 },
  ]);
  expect(problemsOf(pool(0.5))).toMatchObject([{ path: "cpuOvercommit", message: "at least 1" }]);
  expect(problemsOf(pool(1.001))).toMatchObject([{ message: "in steps of 0.01" }]);
  expect(problemsOf(pool("lots"))).toMatchObject([{ message: "expected a number" }]);
});

describe("a reservation", () => {
  const reserve = (cluster: QueueCluster, more: object) =>
    cluster.command("reservation.make", {
      reservation: {
        project: "lab",
        from: T0_UNIX_MS + HOUR_MS,
        to: T0_UNIX_MS + 2 * HOUR_MS,
        nodes: 1,
        ...more,
      },
    });

  test("is numbered, and says how many nodes would do", () => {
    const cluster = new QueueCluster().join(3);
    const answer = reserve(cluster, { constraints: ["node.name != n0"], nodes: 5 });
    expect(answer.ok && answer.reply(1)).toMatchObject({
      nodesMatching: 2,
      reservation: { id: "r1", nodes: 5, gpus: 0 },
    });
    expect(ask(cluster, "reservation.list").reservations).toMatchObject([
      { id: "r1", state: "kept", nodeNames: ["n1", "n2"], nodesMatching: 2 },
    ]);
  });

  test("that is wrong is refused with everything at once, with path and remedy", () => {
    const cluster = new QueueCluster();
    expect(problemsOf(reserve(cluster, { to: T0_UNIX_MS + HOUR_MS }))).toEqual([
      { path: "to", message: "ends before it begins", suggestion: "to must be after from" },
    ]);
    expect(
      problemsOf(reserve(cluster, { from: T0_UNIX_MS - 2, to: T0_UNIX_MS - 1 })),
    ).toMatchObject([{ path: "to", message: "is over already" }]);
    const far = T0_UNIX_MS + 3 * 366 * 24 * HOUR_MS;
    expect(problemsOf(reserve(cluster, { from: far, to: 2 * far }))).toMatchObject([
      { path: "to", message: expect.stringContaining("at most") as string },
      { path: "from", message: expect.stringContaining("ahead") as string },
    ]);
    expect(
      problemsOf(
        reserve(cluster, {
          from: "2027-03-01T08:00:00Z",
          nodes: 0,
          gpus: -1,
          constraints: ["node.labels.rack ="],
          until: 1,
        }),
      ),
    ).toMatchObject([
      { path: "from", message: "expected Unix milliseconds, such as 1803888000000" },
      { path: "nodes", message: "at least 1" },
      { path: "gpus", message: "at least 0" },
      { path: "constraints.0", message: expect.stringContaining("at character") as string },
      { path: "until", message: "unknown field 'until'" },
    ]);
  });

  test("is given up by its id", () => {
    const cluster = new QueueCluster();
    reserve(cluster, {});
    expect(cluster.command("reservation.remove", { reservation: "r9" })).toMatchObject({
      ok: false,
      error: { code: "not_found" },
    });
    expect(cluster.command("reservation.remove", { reservation: "r1" }).ok).toBe(true);
    expect(ask(cluster, "reservation.list").reservations).toEqual([]);
  });
});

describe("what people see", () => {
  test("of projects: what each uses and waits for, with everything below it", () => {
    const cluster = new QueueCluster().join(2);
    configure(cluster, { name: "lab" });
    configure(cluster, { name: "sub", parent: "lab", limit: { cpu: "2" } });
    const sub = "sub" as ProjectName;
    cluster.apply(batchSpec({ project: sub, count: 3, resources: { cpuMillis: 1_000 } }));
    cluster.apply(batchSpec({ resources: { memoryMiB: 4_096 } }));
    expect(ask(cluster, "project.list")).toMatchObject({
      capacity: { cpuMillis: 8_000, memoryMiB: 16_384, gpuMillis: 0 },
      projects: [
        {
          name: "default",
          isConfigured: false,
          weight: 1,
          dominant: { sharePpm: 250_000, dimension: "memoryMiB" },
          live: 1,
        },
        { name: "lab", used: { cpuMillis: 2_000 }, live: 0 },
        { name: "sub", isConfigured: true, used: { cpuMillis: 2_000 }, live: 2, waiting: 1 },
      ],
    });
  });

  test("of the queue: the order of turns, with reasons and estimated starts", () => {
    const cluster = new QueueCluster().join(1);
    const job = (name: string, priority: number, project = "default") =>
      batchSpec({
        name,
        priority,
        project: project as ProjectName,
        resources: { cpuMillis: 3_000 },
        placement: { timeLimitMs: HOUR_MS },
        stop: { signal: "SIGTERM", graceMs: 0 },
      });
    cluster.apply(job("first", 50));
    cluster.apply(job("second", 50));
    cluster.apply(job("other", 50, "b"));
    cluster.apply(job("urgent", 80));
    const { entries, total } = ask(cluster, "queue.list", {
      project: null,
      after: null,
      limit: 10,
    });
    expect(total).toBe(3);
    expect(entries).toMatchObject([
      {
        position: 1,
        workload: "default/urgent",
        band: "production",
        estimatedStartUnixMs: T0_UNIX_MS + HOUR_MS,
        sharePpm: 750_000,
        explanation: { reason: "no_fit" },
      },
      { position: 2, workload: "b/other", sharePpm: 0 },
      { position: 3, workload: "default/second" },
    ]);
    const page = ask(cluster, "queue.list", { project: null, after: 1, limit: 1 });
    expect(page).toMatchObject({ next: 2, entries: [{ position: 2 }] });
  });
});
