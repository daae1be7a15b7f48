import type { ProjectName, WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { batchSpec, gpu, nodeDescription, serviceSpec, T0_UNIX_MS } from "../testing/builders.ts";
import { QueueCluster } from "../testing/queue-cluster.ts";
import { queueLimits } from "./limits.ts";

const MINUTE_MS = 60_000;
const stop = { signal: "SIGTERM", graceMs: 0 } as const;

/** A batch of so many cores for so many minutes; null: nobody knows for how long. */
function job(name: string, cores: number, minutes: number | null, more: object = {}): WorkloadSpec {
  const placement = minutes === null ? {} : { placement: { timeLimitMs: minutes * MINUTE_MS } };
  return batchSpec({ name, stop, resources: { cpuMillis: 1_000 * cores }, ...placement, ...more });
}

function clusterWith(nodes: number, ...running: WorkloadSpec[]): QueueCluster {
  const cluster = new QueueCluster().join(nodes);
  for (const spec of running) cluster.apply(spec);
  cluster.startAll().settle();
  return cluster;
}

describe("backfill", () => {
  test("lets work pass a head that waits if it ends in time, and no other", () => {
    const cluster = clusterWith(1, job("first", 2, 60));
    cluster.apply(job("head", 4, 10));
    cluster.apply(job("long", 1, 61));
    cluster.apply(job("endless", 1, null));
    cluster.apply(job("short", 1, 60));
    expect(cluster.workload("head").pending[0]?.explanation).toMatchObject({
      reason: "no_fit",
      estimatedStartUnixMs: T0_UNIX_MS + 60 * MINUTE_MS,
    });
    expect(["long", "endless", "short"].map((name) => cluster.count(name))).toEqual([0, 0, 1]);
    expect(cluster.workload("long").pending[0]?.explanation).toEqual({
      reason: "behind",
      workload: "default/head",
      startsAtUnixMs: T0_UNIX_MS + 60 * MINUTE_MS,
      timeLimitMsMax: 60 * MINUTE_MS,
    });
  });

  test("lets endless work start beside what is kept", () => {
    const cluster = clusterWith(1, job("first", 2, 60));
    cluster.apply(job("head", 3, 10));
    cluster.apply(job("beside", 1, null));
    cluster.apply(job("late", 1, null));
    expect([cluster.count("beside"), cluster.count("late")]).toEqual([1, 0]);
    expect(cluster.reasons("late")).toEqual(["behind"]);
  });

  test("keeps only the node on which the head will start", () => {
    const cluster = clusterWith(2, job("a", 3, 60), job("b", 3, 90));
    cluster.apply(job("head", 4, 10));
    cluster.apply(job("other", 1, null));
    cluster.apply(job("next", 1, null));
    expect([cluster.count("other"), cluster.count("next")]).toEqual([1, 0]);
    expect(cluster.only("other").nodeId).toBe(cluster.only("b").nodeId);
  });

  test("keeps no more devices than will not be free anyway", () => {
    const gpus = [1, 2, 3, 4].map((n) => gpu(n));
    const cluster = new QueueCluster().join(1, () => nodeDescription(0, { gpus }));
    const asks = (count: number) => ({ resources: { gpu: { count, models: [], memoryMiB: 0 } } });
    cluster.apply(job("first", 0, 60, asks(2)));
    cluster.apply(job("head", 0, 10, asks(3)));
    cluster.apply(job("one", 0, null, asks(1)));
    cluster.apply(job("more", 0, null, asks(1)));
    expect([cluster.count("one"), cluster.count("more")]).toEqual([1, 0]);
  });

  test("work that is more urgent is not held up by a head of less", () => {
    const cluster = clusterWith(1, job("first", 2, 60));
    cluster.apply(job("head", 4, 10));
    cluster.apply(job("urgent", 2, null, { priority: 55 }));
    expect(cluster.count("urgent")).toBe(1);
  });

  test("a head starts as soon as there is room, and what was behind it follows", () => {
    const cluster = clusterWith(1, job("first", 2, 60));
    cluster.runMs.set("first", 20 * MINUTE_MS).set("head", 10 * MINUTE_MS);
    cluster.apply(job("head", 3, 10));
    cluster.apply(job("late", 2, null));
    cluster.runUntil(T0_UNIX_MS + 20 * MINUTE_MS);
    expect([cluster.count("head"), cluster.count("late")]).toEqual([1, 0]);
    cluster.runUntil(T0_UNIX_MS + 30 * MINUTE_MS);
    expect(cluster.count("late")).toBe(1);
  });

  test("each project's first has room kept for it, so that taking turns starves nobody", () => {
    const b = { project: "b" as ProjectName };
    const cluster = clusterWith(2, job("x", 3, 60), job("y", 3, 60, b));
    cluster.apply(job("big-a", 4, 10));
    cluster.apply(job("big-b", 4, 10, b));
    for (const more of [{}, b]) cluster.apply(job("endless", 1, null, more));
    expect([cluster.count("endless"), cluster.count("b/endless")]).toEqual([0, 0]);
    expect(cluster.workload("b/big-b").pending[0]?.explanation).toMatchObject({
      estimatedStartUnixMs: T0_UNIX_MS + 60 * MINUTE_MS,
    });
  });

  test("what fits no node at any time keeps nothing", () => {
    const cluster = clusterWith(1, job("first", 2, 60));
    cluster.apply(job("giant", 64, 10));
    cluster.apply(job("endless", 1, null));
    expect(cluster.count("endless")).toBe(1);
    expect(cluster.workload("giant").pending[0]?.explanation).not.toHaveProperty(
      "estimatedStartUnixMs",
    );
  });
});

describe("a head whose start nobody knows", () => {
  test("has the nearest node kept free for it after some patience", () => {
    const cluster = clusterWith(
      2,
      job("a", 2, null, { count: 2 }),
      job("b", 3, null, { count: 1 }),
    );
    cluster.apply(job("head", 4, null));
    cluster.apply(job("early", 1, null));
    expect(cluster.count("early")).toBe(1);
    expect(cluster.workload("head").pending[0]?.explanation).toMatchObject({
      estimatedStartUnixMs: null,
    });
    cluster.nowUnixMs += queueLimits.patienceMs;
    const [first] = cluster.live("a");
    if (first) cluster.end(first, "complete").settle();
    cluster.apply(job("late", 2, null));
    cluster.apply(job("limited", 2, 1));
    expect([cluster.count("late"), cluster.count("limited")]).toEqual([0, 0]);
    expect(cluster.workload("late").pending[0]?.explanation).toEqual({
      reason: "behind",
      workload: "default/head",
      startsAtUnixMs: null,
      timeLimitMsMax: null,
    });
    for (const one of cluster.live("a")) cluster.end(one, "complete").settle();
    expect(cluster.count("head")).toBe(1);
  });

  test("is not starved by a stream of small work without limits", () => {
    const cluster = new QueueCluster().join(2);
    const lastsMinutes = 10;
    const minutesMax = queueLimits.patienceMs / MINUTE_MS + lastsMinutes + 1;
    let submitted = 0;
    const small = () => {
      submitted += 1;
      cluster.runMs.set(`small-${submitted}`, lastsMinutes * MINUTE_MS);
      cluster.apply(job(`small-${submitted}`, 1, null));
    };
    for (let n = 0; n < 8; n += 1) {
      small();
      cluster.runUntil(T0_UNIX_MS + n * MINUTE_MS);
    }
    const fromMinute = 8;
    cluster.apply(job("head", 4, null));
    for (let minute = fromMinute; minute <= fromMinute + minutesMax; minute += 1) {
      cluster.runUntil(T0_UNIX_MS + minute * MINUTE_MS);
      small();
      small();
    }
    expect(cluster.count("head")).toBe(1);
  });

  test("keeps nothing on nodes that services have to themselves", () => {
    const cluster = clusterWith(1, serviceSpec({ resources: { cpuMillis: 3_000 } }));
    cluster.apply(job("head", 4, null));
    cluster.nowUnixMs += queueLimits.patienceMs;
    cluster.apply(job("late", 1, null));
    expect(cluster.count("late")).toBe(1);
  });
});

interface Drawn {
  readonly cores: number;
  readonly minutes: number;
  /** How long it really runs, of its time limit. */
  readonly percent: number;
  readonly isEndless: boolean;
}

const drawn = fc.record({
  cores: fc.integer({ min: 1, max: 4 }),
  minutes: fc.integer({ min: 1, max: 60 }),
  percent: fc.integer({ min: 1, max: 100 }),
  isEndless: fc.boolean(),
});
const world = fc.record({
  nodes: fc.integer({ min: 1, max: 3 }),
  running: fc.array(drawn, { minLength: 1, maxLength: 8 }),
  head: fc.integer({ min: 2, max: 4 }),
  later: fc.array(fc.record({ job: drawn, afterMinutes: fc.nat(40) }), { maxLength: 10 }),
});

/** When the head starts; null when it does within the first pass. `estimate` is the first one. */
function play(
  {
    nodes,
    running,
    head,
    later,
  }: {
    nodes: number;
    running: Drawn[];
    head: number;
    later: { job: Drawn; afterMinutes: number }[];
  },
  isExact: boolean,
): { startedMs: number; estimateMs: number } | null {
  const cluster = new QueueCluster().join(nodes);
  const runs = ({ minutes, percent }: Drawn) =>
    isExact ? minutes * MINUTE_MS : Math.ceil((minutes * MINUTE_MS * percent) / 100);
  for (const [at, one] of running.entries()) {
    cluster.runMs.set(`running-${at}`, runs(one));
    cluster.apply(job(`running-${at}`, one.cores, one.minutes));
  }
  cluster.startAll().settle();
  cluster.apply(job("head", head, 1_000, { priority: 51 }));
  const [waiting] = cluster.workload("head").pending;
  if (waiting?.explanation.reason !== "no_fit") return null;
  const estimateMs = waiting.explanation.estimatedStartUnixMs ?? Number.NaN;
  const placedAt = () => cluster.live("head")[0]?.placedAtUnixMs;
  for (const [at, { job: one, afterMinutes }] of later
    .toSorted((a, b) => a.afterMinutes - b.afterMinutes)
    .entries()) {
    cluster.runUntil(T0_UNIX_MS + afterMinutes * MINUTE_MS);
    if (placedAt() !== undefined) break;
    cluster.runMs.set(`later-${at}`, one.isEndless ? 600 * MINUTE_MS : runs(one));
    cluster.apply(job(`later-${at}`, one.cores, one.isEndless ? null : one.minutes));
  }
  for (let minutes = 0; minutes <= 300; minutes += 1) {
    const startedMs = placedAt();
    if (startedMs !== undefined) return { startedMs, estimateMs };
    cluster.runUntil(Math.max(cluster.nowUnixMs, T0_UNIX_MS + minutes * MINUTE_MS));
  }
  return { startedMs: Number.POSITIVE_INFINITY, estimateMs };
}

describe("a head, whatever comes after it", () => {
  test("starts no later than it would if nothing came, when limits are exact", () => {
    fc.assert(
      fc.property(world, (drawnWorld) => {
        const alone = play({ ...drawnWorld, later: [] }, true);
        const crowded = play(drawnWorld, true);
        if (!alone || !crowded) return;
        expect(crowded.startedMs).toBeLessThanOrEqual(alone.startedMs);
      }),
      { numRuns: 150 },
    );
  });

  test("starts no later than it was first told, however early others end", () => {
    fc.assert(
      fc.property(world, (drawnWorld) => {
        const crowded = play(drawnWorld, false);
        if (!crowded) return;
        expect(crowded.startedMs).toBeLessThanOrEqual(crowded.estimateMs);
      }),
      { numRuns: 150 },
    );
  });
});
