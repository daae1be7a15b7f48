import type { ProjectName, WorkloadSpec } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { preemptLimits } from "../preempt/limits.ts";
import { applyEntry } from "../state/apply-entry.ts";
import { createState } from "../state/cluster-state.ts";
import {
  batchSpec,
  gpu,
  nodeDescription,
  nodeId,
  serviceSpec,
  systemSpec,
} from "../testing/builders.ts";
import { checkInvariants } from "../testing/check-invariants.ts";
import { project, QueueCluster } from "../testing/queue-cluster.ts";
import { evaluate } from "./evaluate.ts";

const cores = (count: number) => ({ resources: { cpuMillis: 1_000 * count } });

/** Nodes of four cores, and on each one batch that takes it all, of the given priorities. */
function fullCluster(...priorities: number[]): QueueCluster {
  const cluster = new QueueCluster().join(priorities.length);
  for (const [n, priority] of priorities.entries()) {
    const constraints = [`node.name == n${n}`];
    cluster.apply(batchSpec({ name: `low${n}`, priority, constraints, ...cores(4) }));
  }
  cluster.startAll().settle();
  return cluster;
}

function urgent(count: number, more: object = {}): WorkloadSpec {
  return serviceSpec({ name: "urgent", count, priority: 70, ...cores(3), ...more });
}

/** Who is ending, why, and for whom. */
function ending({ state }: QueueCluster): string[] {
  return [...state.allocations.values()]
    .filter(({ status }) => status === "stopping")
    .map(({ id, workloadId, stopReason }) =>
      [workloadId, stopReason, state.yielding.get(id)].filter(Boolean).join(" "),
    )
    .map((text) => text.replaceAll("default/", ""))
    .sort();
}

function whyWaits(cluster: QueueCluster, name: string) {
  return cluster.workload(name).pending.map(({ explanation }) => explanation);
}

describe("work that fits nowhere", () => {
  test("gets the room of the least important, and is placed there once that has ended", () => {
    const cluster = fullCluster(15, 10, 12);
    cluster.apply(urgent(1));
    expect(ending(cluster)).toEqual(["low1 preempted urgent"]);
    expect(whyWaits(cluster, "urgent")).toEqual([
      { reason: "preempting", victims: 1, nodeNames: ["n1"] },
    ]);
    expect(cluster.settle()).toEqual([]);
    cluster.converge();
    expect(cluster.only("urgent").nodeId).toBe(nodeId(1));
    expect(cluster.reasons("low1")).toEqual(["no_fit"]);
    expect(cluster.count("low0") + cluster.count("low2")).toBe(2);
    checkInvariants(cluster.state);
  });

  test("waits where everything is as important, is not preemptible, or it does not preempt", () => {
    const cluster = fullCluster(60);
    cluster.apply(urgent(1));
    expect(cluster.reasons("urgent")).toEqual(["no_fit"]);
    expect(ending(cluster)).toEqual([]);

    const kept = new QueueCluster().join(1);
    kept.apply(batchSpec({ placement: { preemptible: false }, ...cores(4) }));
    kept.startAll().settle();
    kept.apply(urgent(1));
    expect(kept.reasons("urgent")).toEqual(["no_fit"]);

    const polite = fullCluster(10);
    polite.apply(urgent(1, { placement: { preempts: false } }));
    expect(polite.reasons("urgent")).toEqual(["no_fit"]);
    expect([...ending(kept), ...ending(polite)]).toEqual([]);
  });

  test("stops nobody while something that ends anyway makes enough room", () => {
    const cluster = fullCluster(10, 5);
    cluster.command("workload.stop", { workload: "low0" });
    cluster.settle();
    cluster.apply(urgent(1));
    expect(ending(cluster)).toEqual(["low0 workload.stopped"]);
    cluster.converge();
    expect(cluster.only("urgent").nodeId).toBe(nodeId(0));
    expect(cluster.count("low1")).toBe(1);
  });

  test("finds victims as soon as they run: what is only placed is left to start", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(batchSpec({ name: "low", priority: 10, ...cores(4) }));
    cluster.apply(urgent(1));
    expect(cluster.reasons("urgent")).toEqual(["no_fit"]);
    cluster.startAll().settle();
    expect(ending(cluster)).toEqual(["low preempted urgent"]);
  });

  test("makes room in every dimension at once, with as few victims as do", () => {
    const cluster = new QueueCluster().join(1, (n) =>
      nodeDescription(n, { gpus: [gpu(0), gpu(1)], devices: { fpga: 1 } }),
    );
    const one = { priority: 10, constraints: [] };
    const device = { count: 1, models: [], memoryMiB: 0 };
    cluster.apply(batchSpec({ ...one, name: "gpu", resources: { gpu: device } }));
    cluster.apply(
      batchSpec({
        ...one,
        name: "gpu-and-port",
        resources: { gpu: device },
        ports: { http: { static: 8_080 } },
      }),
    );
    cluster.apply(batchSpec({ ...one, name: "fpga", resources: { devices: { fpga: 1 } } }));
    cluster.apply(batchSpec({ ...one, name: "idle" }));
    cluster.startAll().settle();
    cluster.apply(
      serviceSpec({
        name: "urgent",
        priority: 70,
        resources: { gpu: device, devices: { fpga: 1 } },
        ports: { web: { static: 8_080 } },
      }),
    );
    expect(ending(cluster)).toEqual(["fpga preempted urgent", "gpu-and-port preempted urgent"]);
    cluster.converge();
    expect(cluster.count("urgent")).toBe(1);
    checkInvariants(cluster.state);
  });

  test("takes no more of a workload at a time than it says can be spared", () => {
    const cluster = new QueueCluster().join(3);
    const placement = { disruptionMaxUnavailable: 1 };
    cluster.apply(serviceSpec({ count: 3, priority: 30, placement, ...cores(4) }));
    cluster.startAll().settle();
    cluster.apply(urgent(3));
    expect(ending(cluster)).toEqual(["web preempted urgent"]);
    expect(cluster.reasons("urgent").sort()).toEqual(["no_fit", "preempting"]);
    cluster.converge();
    // One of it has no place, so no other can be spared.
    expect([cluster.count("urgent"), cluster.count("web")]).toEqual([1, 2]);
  });

  test("asks so many at a time, and goes on when those have ended", () => {
    const nodes = Math.ceil(preemptLimits.seatsMax / 4) + 1;
    const cluster = new QueueCluster().join(nodes);
    cluster.apply(batchSpec({ name: "low", count: 4 * nodes, priority: 10, ...cores(1) }));
    cluster.startAll().settle();
    cluster.apply(urgent(4 * nodes, cores(1)));
    expect(ending(cluster)).toHaveLength(preemptLimits.seatsMax);
    cluster.converge();
    expect([cluster.count("urgent"), cluster.count("low")]).toEqual([4 * nodes, 0]);
  });

  test("of a system workload takes the room of its own node", () => {
    const cluster = fullCluster(50, 50);
    cluster.apply(systemSpec({ priority: 95, ...cores(1) }));
    expect(ending(cluster)).toEqual(["low0 preempted agent", "low1 preempted agent"]);
    cluster.converge();
    expect(cluster.count("agent")).toBe(2);
  });
});

describe("room that is being made", () => {
  test("is nobody else's, however small and urgent", () => {
    const cluster = new QueueCluster().join(1);
    cluster.apply(batchSpec({ name: "first", priority: 10, ...cores(2) }));
    cluster.apply(batchSpec({ name: "second", priority: 10, ...cores(2) }));
    cluster.startAll().settle();
    cluster.apply(urgent(1, cores(4)));
    expect(ending(cluster)).toEqual(["first preempted urgent", "second preempted urgent"]);
    cluster.apply(batchSpec({ name: "small", priority: 80, ...cores(1) }));
    const [first] = cluster.live("first");
    if (first) cluster.end(first, "stopped");
    cluster.settle();
    expect(cluster.count("small")).toBe(0);
    cluster.converge();
    expect([cluster.count("urgent"), cluster.count("small")]).toEqual([1, 0]);
  });

  test("counts for those that come after, who stop others or wait", () => {
    const cluster = fullCluster(10, 11);
    cluster.apply(urgent(1));
    cluster.apply(urgent(1, { name: "also" }));
    cluster.apply(urgent(1, { name: "late" }));
    expect(ending(cluster)).toEqual(["low0 preempted urgent", "low1 preempted also"]);
    expect(cluster.reasons("late")).toEqual(["no_fit"]);
    cluster.converge();
    expect([cluster.count("urgent"), cluster.count("also")]).toEqual([1, 1]);
  });

  test("is used by others when nobody wants it any more", () => {
    const cluster = fullCluster(10);
    cluster.apply(urgent(1));
    cluster.command("workload.stop", { workload: "urgent" });
    cluster.converge();
    expect([cluster.count("urgent"), cluster.count("low0")]).toEqual([0, 1]);
  });

  test("is looked for elsewhere when its node is gone", () => {
    const cluster = fullCluster(10, 11);
    cluster.apply(urgent(1));
    cluster.append([
      { type: "NodeStatusChanged", nodeId: nodeId(0), status: "down", reason: "silent" },
    ]);
    cluster.settle();
    expect(ending(cluster)).toEqual(["low0 preempted urgent", "low1 preempted urgent"]);
    expect(whyWaits(cluster, "urgent")).toMatchObject([{ nodeNames: ["n1"] }]);
    cluster.converge();
    expect(cluster.only("urgent").nodeId).toBe(nodeId(1));
  });

  test("is left alone when other room appears first", () => {
    const cluster = fullCluster(10);
    cluster.apply(urgent(1));
    cluster.join(1).settle();
    expect(cluster.only("urgent").nodeId).toBe(nodeId(1));
    cluster.converge();
    expect(cluster.count("low0")).toBe(1);
  });

  test("[INV4] is known to whoever leads next: nobody is asked twice", () => {
    const cluster = fullCluster(10, 11, 12);
    cluster.apply(urgent(2));
    const next = createState();
    for (const [at, entry] of cluster.log.entries()) applyEntry(next, at + 1, entry);
    expect(evaluate(next, cluster.nowUnixMs).events).toEqual([]);
  });
});

describe("a gang", () => {
  const whole = { gang: { within: null } } as const;

  test("[INV7] that is preempted ends whole, and counts as all of its members", () => {
    const cluster = new QueueCluster().join(3);
    cluster.apply(
      batchSpec({ name: "pair", count: 2, priority: 10, placement: whole, ...cores(4) }),
    );
    cluster.apply(batchSpec({ name: "alone", priority: 15, ...cores(4) }));
    cluster.startAll().settle();
    // One member weighs less than the other batch, the gang more.
    cluster.apply(urgent(1));
    expect(ending(cluster)).toEqual(["alone preempted urgent"]);
    cluster.converge();
    cluster.apply(urgent(1, { name: "more" }));
    expect(ending(cluster)).toEqual(["pair preempted more", "pair preempted more"]);
    cluster.converge();
    expect([cluster.count("more"), cluster.count("pair")]).toEqual([1, 0]);
    expect(cluster.count("alone")).toBe(1);
  });

  test("[INV7] stops somebody only if all of it fits then", () => {
    const cluster = fullCluster(10, 11, 70);
    cluster.apply(urgent(3, { placement: whole }));
    expect(ending(cluster)).toEqual([]);
    expect(cluster.reasons("urgent")).toEqual(["gang"]);
    cluster.apply(urgent(2, { name: "pair", placement: whole }));
    expect(ending(cluster)).toEqual(["low0 preempted pair", "low1 preempted pair"]);
    const [first] = cluster.live("low0");
    if (first) cluster.end(first, "stopped");
    cluster.settle();
    expect(cluster.count("pair")).toBe(0);
    cluster.converge();
    expect(cluster.count("pair")).toBe(2);
  });

  test("within one value of an attribute takes the domain where that costs least", () => {
    const letters = "aabb".split("");
    const cluster = new QueueCluster().join(4, (n) =>
      nodeDescription(n, { labels: { rack: letters[n] ?? "" } }),
    );
    for (const [n, priority] of [5, 19, 11, 11].entries()) {
      const constraints = [`node.name == n${n}`];
      cluster.apply(batchSpec({ name: `low${n}`, priority, constraints, ...cores(4) }));
    }
    cluster.startAll().settle();
    const placement = { gang: { within: "node.labels.rack" } };
    cluster.apply(urgent(2, { placement }));
    expect(ending(cluster)).toEqual(["low2 preempted urgent", "low3 preempted urgent"]);
    cluster.converge();
    expect(cluster.count("urgent")).toBe(2);
  });
});

describe("what a project is guaranteed", () => {
  test("is taken back from who borrowed it, whatever its band", () => {
    const cluster = new QueueCluster()
      .join(1)
      .configure(
        project("owner", { guaranteed: { cpuMillis: 2_000 } }),
        project("guest", { guaranteed: { cpuMillis: 2_000 } }),
      );
    const guest = { project: "guest" as ProjectName, priority: 90 };
    cluster.apply(batchSpec({ ...guest, count: 4, ...cores(1) }));
    cluster.startAll().settle();
    const owner = { project: "owner" as ProjectName };
    cluster.apply(batchSpec({ ...owner, name: "wants", count: 3, ...cores(1) }));
    expect(ending(cluster)).toEqual([
      "guest/job reclaimed owner/wants",
      "guest/job reclaimed owner/wants",
    ]);
    cluster.converge();
    expect([cluster.count("owner/wants"), cluster.count("guest/job")]).toEqual([2, 2]);
  });

  test("is not preempted by what would have to borrow, however important that is", () => {
    const cluster = new QueueCluster()
      .join(1)
      .configure(
        project("owner", { guaranteed: { cpuMillis: 2_000 } }),
        project("guest", { guaranteed: { cpuMillis: 1_000 } }),
      );
    const owner = { project: "owner" as ProjectName, priority: 10 };
    cluster.apply(batchSpec({ ...owner, count: 4, ...cores(1) }));
    cluster.startAll().settle();
    const guest = { project: "guest" as ProjectName, priority: 70 };
    cluster.apply(serviceSpec({ ...guest, count: 4, ...cores(1) }));
    cluster.converge();
    // One core is the guest's own, one is nobody's; two are the owner's.
    expect([cluster.count("guest/web"), cluster.count("owner/job")]).toEqual([2, 2]);
  });

  test("stays on the nodes that are reserved for it", () => {
    const cluster = new QueueCluster().join(1).configure(project("owner"));
    const { nowUnixMs } = cluster;
    cluster.reserve({
      project: "owner" as ProjectName,
      fromUnixMs: nowUnixMs,
      toUnixMs: nowUnixMs + 3_600_000,
      nodes: 1,
    });
    cluster.apply(batchSpec({ project: "owner" as ProjectName, priority: 10, ...cores(4) }));
    cluster.startAll().settle();
    cluster.apply(urgent(1));
    expect(ending(cluster)).toEqual([]);
    expect(cluster.reasons("urgent")).toEqual(["no_fit"]);
  });
});
