import type { ProjectName, WorkloadSpec } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { nextWakeUnixMs } from "../evaluate/wake.ts";
import {
  batchSpec,
  gpu,
  nodeDescription,
  serviceSpec,
  systemSpec,
  T0_UNIX_MS,
} from "../testing/builders.ts";
import { project, QueueCluster } from "../testing/queue-cluster.ts";
import { queueLimits } from "./limits.ts";

const MINUTE_MS = 60_000;
const stop = { signal: "SIGTERM", graceMs: 0 } as const;
const inMinutes = (minutes: number) => T0_UNIX_MS + minutes * MINUTE_MS;

function job(name: string, minutes: number | null, more: object = {}): WorkloadSpec {
  const placement = minutes === null ? {} : { timeLimitMs: minutes * MINUTE_MS };
  const { placement: rules, ...others } = more as { placement?: object };
  return batchSpec({
    name,
    stop,
    resources: { cpuMillis: 4_000 },
    placement: { ...placement, ...rules },
    ...others,
  });
}

const team = { project: "team" as ProjectName };

function reserve(cluster: QueueCluster, nodes: number, from: number, to: number, more = {}) {
  return cluster
    .reserve({ ...team, nodes, fromUnixMs: inMinutes(from), toUnixMs: inMinutes(to), ...more })
    .settle();
}

describe("a reservation", () => {
  test("keeps its nodes from work that would overlap it, and from no other", () => {
    const cluster = new QueueCluster().join(1);
    reserve(cluster, 1, 60, 120);
    cluster.apply(job("long", 61));
    cluster.apply(job("firm", null, { placement: { preemptible: false } }));
    expect([cluster.count("long"), cluster.count("firm")]).toEqual([0, 0]);
    expect(cluster.workload("long").pending[0]?.explanation).toMatchObject({
      reason: "no_fit",
      rejections: [{ code: "reserved", nodes: 1, subject: "project team" }],
      nearest: [{ nodeName: "n0", shortfalls: [{ code: "reserved" }] }],
    });
    cluster.apply(job("short", 60));
    expect(cluster.count("short")).toBe(1);
  });

  test("is for its project and those below it, before it begins and while it lasts", () => {
    const cluster = new QueueCluster().join(2).configure(project("sub", { parent: "team" }));
    reserve(cluster, 2, 0, 120);
    cluster.apply(job("own", null, team));
    cluster.apply(job("below", null, { project: "sub" as ProjectName }));
    cluster.apply(job("other", null));
    expect([cluster.count("team/own"), cluster.count("sub/below"), cluster.count("other")]).toEqual(
      [1, 1, 0],
    );
  });

  test("clears its nodes when it begins of what can be stopped", () => {
    const cluster = new QueueCluster().join(2);
    reserve(cluster, 1, 60, 120);
    cluster.apply(job("endless", null, { count: 2 }));
    expect(cluster.count("endless")).toBe(2);
    cluster.startAll();
    expect(nextWakeUnixMs(cluster.state)).toBe(inMinutes(60));
    cluster.nowUnixMs = inMinutes(60);
    const stops = cluster.settle().filter(({ type }) => type === "AllocationStopRequested");
    expect(stops).toMatchObject([{ reason: "reclaimed" }]);
    cluster.endStopping().settle();
    expect(cluster.reasons("endless")).toEqual(["no_fit"]);
    cluster.apply(job("own", null, team));
    expect(cluster.count("team/own")).toBe(1);
  });

  test("clears its nodes, and an update that begins then counts what that stopped", () => {
    const cluster = new QueueCluster().join(3);
    const web = { name: "web", count: 3, resources: { cpuMillis: 3_000 }, stop } as const;
    const { task } = serviceSpec();
    cluster.apply(serviceSpec(web));
    cluster.startAll();
    const last = cluster.live("web").at(-1);
    reserve(cluster, 1, 60, 120, { constraints: [`node.name == ${last?.nodeName}`] });
    cluster.nowUnixMs = inMinutes(60);
    cluster.submit(serviceSpec({ ...web, task: { ...task, command: ["newer"] } }), 2);
    const stops = cluster.settle().filter(({ type }) => type === "AllocationStopRequested");
    expect(stops).toMatchObject([{ allocationId: last?.id, reason: "reclaimed" }]);
  });

  test("ends by itself, and what waited for its nodes starts", () => {
    const cluster = new QueueCluster().join(1);
    reserve(cluster, 1, 0, 120);
    cluster.apply(job("other", null));
    expect(nextWakeUnixMs(cluster.state)).toBe(inMinutes(120));
    cluster.nowUnixMs = inMinutes(120);
    expect(cluster.settle()[0]).toEqual({ type: "ReservationRemoved", id: "r1" });
    expect(cluster.count("other")).toBe(1);
    expect(nextWakeUnixMs(cluster.state)).toBeNull();
  });

  test("takes nodes that meet its constraints, those with least in its way first", () => {
    const cluster = new QueueCluster().join(3, (n) =>
      nodeDescription(n, { gpus: n === 0 ? [] : [gpu(n)], labels: { rack: n === 1 ? "a" : "b" } }),
    );
    cluster.apply(
      job("firm", null, { constraints: ["node.name == n1"], placement: { preemptible: false } }),
    );
    reserve(cluster, 1, 0, 120, { gpus: 1 });
    cluster.apply(job("other", null, { count: 3 }));
    expect(cluster.count("other")).toBe(1);
    expect(cluster.only("other").nodeName).toBe("n0");
    reserve(cluster, 1, 0, 120, { constraints: ["node.labels.rack == a"] });
    cluster.startAll().end(cluster.only("firm"), "complete").settle();
    expect(cluster.count("other")).toBe(1);
  });

  test("two of them never hold the same node, and what they lack is not made up", () => {
    const cluster = new QueueCluster().join(3);
    reserve(cluster, 2, 0, 120);
    reserve(cluster, 2, 0, 120, { project: "rivals" as ProjectName });
    cluster.apply(job("own", null, { ...team, count: 3 }));
    cluster.apply(job("rival", null, { project: "rivals" as ProjectName, count: 3 }));
    cluster.apply(job("other", null));
    expect([
      cluster.count("team/own"),
      cluster.count("rivals/rival"),
      cluster.count("other"),
    ]).toEqual([2, 1, 0]);
  });

  test("long before it begins concerns nobody", () => {
    const cluster = new QueueCluster().join(1);
    const far = queueLimits.reservationLeadMs / MINUTE_MS + 1;
    reserve(cluster, 1, far, far + 60);
    expect(nextWakeUnixMs(cluster.state)).toBe(inMinutes(1));
    cluster.apply(job("firm", null, { placement: { preemptible: false } }));
    expect(cluster.count("firm")).toBe(1);
  });

  test("leaves what belongs on every node where it is", () => {
    const cluster = new QueueCluster().join(2);
    cluster.apply(systemSpec());
    cluster.startAll();
    reserve(cluster, 2, 0, 120);
    expect(cluster.count("agent")).toBe(2);
    cluster.apply(systemSpec({ name: "another" }));
    expect(cluster.count("another")).toBe(2);
  });
});
