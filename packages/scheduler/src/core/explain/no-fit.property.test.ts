import { limits, type SmallerFit } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { everyLack, firstLack } from "../place/check-node.ts";
import { Ledger } from "../place/ledger.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { batchSpec, gpu, nodeDescription } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { explainNoFit } from "./no-fit.ts";

const few = fc.integer({ min: 0, max: 6 });
const nodes = fc.record({
  cpu: fc.integer({ min: 1, max: 6 }),
  memoryMiB: few,
  diskMiB: few,
  networkMbps: fc.option(few),
  gpus: fc.array(fc.constantFrom("A", "B"), { maxLength: 3 }),
  pool: fc.constantFrom("default", "other"),
  isSplit: fc.boolean(),
  isCordoned: fc.boolean(),
});
const requests = fc.record({
  cpu: fc.integer({ min: 1, max: 7 }),
  memoryMiB: fc.integer({ min: 1, max: 7 }),
  diskMiB: fc.constantFrom(0, 0, 3, 6),
  networkMbps: fc.constantFrom(0, 0, 0, 2, 6),
  gpus: fc.constantFrom(0, 0, 2, 3),
  pool: fc.constantFrom(undefined, "default"),
  numa: fc.constantFrom(undefined, undefined, "require" as const),
  exclusiveCores: fc.boolean(),
});
type Value<A> = A extends fc.Arbitrary<infer V> ? V : never;

function clusterOf(sketches: readonly Value<typeof nodes>[], overcommit: number): TestCluster {
  const cluster = new TestCluster().join(sketches.length, (n) => {
    const sketch = sketches[n];
    if (!sketch) throw new Error("no such node");
    const { cpu, memoryMiB, diskMiB, networkMbps, pool, isSplit } = sketch;
    const uuids = sketch.gpus.map((_, g) => `GPU-${g}`);
    const halves = [Math.floor(cpu / 2), Math.ceil(cpu / 2)];
    return nodeDescription(n, {
      pool,
      capacity: { cpuMillis: cpu * 1_000, memoryMiB, diskMiB, networkMbps },
      gpus: sketch.gpus.map((model, g) => gpu(g, { model })),
      zones: isSplit
        ? halves.map((half, id) => ({
            id,
            cpuMillis: half * 1_000,
            memoryMiB: Math.floor(memoryMiB / 2),
            gpuUuids: uuids.filter((__, g) => g % 2 === id),
          }))
        : [{ id: 0, cpuMillis: cpu * 1_000, memoryMiB, gpuUuids: uuids }],
    });
  });
  cluster.append([
    { type: "PoolConfigured", pool: { name: "default", cpuOvercommitPercent: overcommit } },
  ]);
  for (const [n, { isCordoned }] of sketches.entries()) {
    if (isCordoned) cluster.command("node.cordon", { node: `n${n}`, reason: null });
  }
  // Something is taken already.
  cluster.apply(
    batchSpec({ name: "taken", count: 3, resources: { cpuMillis: 1_000, memoryMiB: 1 } }),
  );
  return cluster;
}

function requestOf(asked: Value<typeof requests>): PlacementRequest {
  const { cpu, gpus, pool, numa, exclusiveCores, ...amounts } = asked;
  return placementRequest(
    batchSpec({
      resources: {
        ...amounts,
        cpuMillis: cpu * 1_000,
        gpu: gpus === 0 ? null : { count: gpus, models: [], memoryMiB: 0 },
        ...(numa === undefined ? {} : { numa }),
        ...(exclusiveCores ? { exclusiveCores: true as const } : {}),
      },
      ...(pool === undefined ? {} : { placement: { pool } }),
    }),
  );
}

function withAmount(
  request: PlacementRequest,
  dimension: SmallerFit["dimension"],
  amount: number,
): PlacementRequest {
  return dimension === "gpuCount"
    ? { ...request, gpu: request.gpu && { ...request.gpu, count: amount } }
    : { ...request, amounts: { ...request.amounts, [dimension]: amount } };
}

/** Every amount on every node, one after the other. */
function mostByTrying(
  request: PlacementRequest,
  dimension: SmallerFit["dimension"],
  all: readonly NodeRecord[],
): number | null {
  const requested =
    dimension === "gpuCount" ? (request.gpu?.count ?? 0) : request.amounts[dimension];
  const step = dimension === "cpuMillis" ? (request.exclusiveCores ? 1_000 : 100) : 1;
  for (let amount = requested - step; amount > 0; amount -= step) {
    const smaller = withAmount(request, dimension, amount);
    if (all.some((node) => firstLack(smaller, node, node.usage) === null)) return amount;
  }
  return null;
}

const asked = ["cpuMillis", "memoryMiB", "diskMiB", "networkMbps", "gpuCount"] as const;

test("[INV8] each node is counted once, at its first lack, and the smaller fits are the largest there are", () => {
  let reduced = 0;
  fc.assert(
    fc.property(
      fc.array(nodes, { maxLength: 7 }),
      requests,
      fc.constantFrom(100, 150),
      (sketches, sketch, overcommit) => {
        const cluster = clusterOf(sketches, overcommit);
        const request = requestOf(sketch);
        const unfit = [...cluster.state.nodes.values()].filter((node) =>
          firstLack(request, node, node.usage),
        );
        const noFit = explainNoFit(request, unfit, new Ledger());
        expect(noFit.nodesTotal).toBe(unfit.length);
        const first = unfit.map((node) => firstLack(request, node, node.usage)?.code);
        for (const { code, nodes: count } of noFit.rejections) {
          expect(first.filter((one) => one === code)).toHaveLength(count);
        }
        expect(noFit.rejections.reduce((sum, one) => sum + one.nodes, 0)).toBe(unfit.length);
        const lacks = unfit.map((node) => everyLack(request, node, node.usage).length);
        expect(noFit.nearest.map(({ shortfalls }) => shortfalls.length)).toEqual(
          lacks.toSorted((a, b) => a - b).slice(0, limits.nearestFitsMax),
        );
        for (const dimension of asked) {
          const found = noFit.smaller?.find((one) => one.dimension === dimension);
          if (found) reduced += 1;
          expect([dimension, found?.fits ?? null]).toEqual([
            dimension,
            mostByTrying(request, dimension, unfit),
          ]);
        }
      },
    ),
    { numRuns: 400 },
  );
  expect(reduced).toBeGreaterThan(10);
});

test("a node that is kept for others is counted once, as that, and no smaller request fits there", () => {
  const cluster = new TestCluster().join(2);
  const request = placementRequest(batchSpec({ resources: { cpuMillis: 5_000 } }));
  const [small, kept] = cluster.state.nodes.values();
  if (!small || !kept) throw new Error("two nodes joined");
  const nodesOf = [small, kept];
  const reserved = { code: "reserved", subject: "lab", requested: null, available: null } as const;
  const isKept = (node: NodeRecord) => (node === kept ? reserved : null);
  expect(explainNoFit(request, nodesOf, new Ledger(), undefined, isKept)).toMatchObject({
    nodesTotal: 2,
    rejections: [{ code: "cpu.capacity", nodes: 2 }],
    smaller: [{ dimension: "cpuMillis", fits: 4_000, nodeId: small.id }],
  });
  const little = placementRequest(batchSpec({ resources: { cpuMillis: 1_000 } }));
  const noFit = explainNoFit(little, [kept], new Ledger(), undefined, isKept);
  expect(noFit).toMatchObject({ rejections: [{ code: "reserved", nodes: 1, subject: "lab" }] });
  expect(noFit).not.toHaveProperty("smaller");
});

test("taints of every node's own are merged, and still count every node", () => {
  const cluster = new TestCluster().join(200, (n) =>
    nodeDescription(n, { taints: [{ key: n < 40 ? "common" : `own-${n}`, reason: null }] }),
  );
  const request = placementRequest(batchSpec());
  const noFit = explainNoFit(request, [...cluster.state.nodes.values()], new Ledger());
  expect(noFit.rejections).toHaveLength(limits.rejectionSubjectsMax);
  expect(noFit.rejections).toContainEqual(
    expect.objectContaining({ code: "taint", subject: "common", nodes: 40 }),
  );
  expect(noFit.rejections.reduce((sum, { nodes }) => sum + nodes, 0)).toBe(200);
});
