import type { Gpu, GpuRequest, Grant, NodeId, WorkloadId, WorkloadSpec } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import fc from "fast-check";
import { expect, test } from "vitest";
import { fleetOf } from "../fleet/cluster-fleet.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { Candidates } from "./candidates.ts";
import { firstLack } from "./check-node.ts";
import { Ledger } from "./ledger.ts";
import { type PlacementRequest, placementRequest } from "./placement-request.ts";
import { type ScoreContext, scoreNode } from "./score-node.ts";
import { liveNodesOf, LiveSurroundings, valueOf } from "./surroundings.ts";

const RUNS = 700;
const DECISIONS_MIN = 10_000;

const rarely = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const anyGpu: fc.Arbitrary<Partial<Gpu>> = fc.constantFrom(
  {},
  {},
  { model: "NVIDIA A100", memoryMiB: 40_960 },
  { memoryMiB: null },
  { health: { state: "unhealthy", reason: "lost" } },
  { slices: [{ uuid: "MIG", profile: "1g", memoryMiB: 9_856 }] },
);
const node = fc.record({
  rack: fc.constantFrom("a", "b", "c"),
  gpus: fc.oneof(fc.constant<Partial<Gpu>[]>([]), fc.array(anyGpu, { maxLength: 4 })),
  cpuMillis: fc.constantFrom(4_000, 4_000, 8_000, 16_000),
  networkMbps: fc.constantFrom(null, 1_000),
  ports: fc.constantFrom(1, 1_000),
  isZoned: fc.boolean(),
  isTainted: fc.constantFrom(false, false, false, true),
  isElsewhere: fc.constantFrom(false, false, false, true),
  disks: fc.constantFrom(1, 1, 2),
  isDiskBroken: fc.constantFrom(false, false, true),
  fpga: fc.constantFrom(0, 2),
  isCordoned: fc.constantFrom(false, false, false, false, true),
});
type NodeDraft = typeof node extends fc.Arbitrary<infer Draft> ? Draft : never;

const gpuRequest = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  {
    weight: 2,
    arbitrary: fc.record({
      count: fc.constantFrom(1, 1, 2),
      models: fc.constantFrom<string[]>([], [], ["h100"], ["a100"]),
      memoryMiB: fc.constantFrom(0, 0, 50_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      count: fc.constant(1),
      models: fc.constantFrom<string[]>([], [], ["h100"]),
      memoryMiB: fc.constantFrom(0, 0, 20_000),
      shareMillis: fc.constantFrom(190, 250, 500, 810),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<GpuRequest>({ count: 1, models: [], memoryMiB: 0, slice: "1g" }),
  },
);
const resources = fc
  .record({
    cpuMillis: fc.constantFrom(100, 500, 1_000, 2_000, 3_500),
    memoryMiB: fc.constantFrom(64, 512, 1_024, 4_096),
    diskMiB: fc.constantFrom(0, 0, 0, 10_000, 40_000),
    networkMbps: fc.constantFrom(0, 0, 0, 300),
    gpu: gpuRequest,
    diskClass: rarely(fc.constant("nvme" as const)),
    devices: rarely(fc.constant({ fpga: 1 })),
    numa: rarely(fc.constantFrom("prefer" as const, "require" as const)),
    isExclusive: fc.constantFrom(false, false, false, false, true),
  })
  .map(({ diskClass, devices, numa, isExclusive, ...more }) => ({
    ...more,
    ...(diskClass === undefined ? {} : { diskClass }),
    ...(devices === undefined ? {} : { devices }),
    ...(numa === undefined ? {} : { numa }),
    ...(isExclusive && more.cpuMillis % 1_000 === 0 ? { exclusiveCores: true as const } : {}),
  }));
const by = fc.constantFrom("node.labels.rack", "node.name");
const placement = fc
  .record({
    pool: rarely(fc.constantFrom("default", "special")),
    tolerations: rarely(fc.constantFrom(["slow"], ["*"])),
    affinities: rarely(
      fc.constantFrom(
        [{ expression: "node.labels.rack == a", weight: 60 }],
        [{ expression: "node.gpu.count > 1", weight: -30 }],
      ),
    ),
    spread: rarely(
      fc.record({ by, weight: fc.constantFrom(10, 80), targets: fc.constantFrom({}, { a: 70 }) }),
    ),
    distinct: rarely(fc.record({ by, max: fc.constantFrom(1, 2) })),
    colocate: rarely(by),
    locality: rarely(fc.constantFrom({ n0: 100, n2: 900 }, { n1: 10 })),
  })
  .map(({ spread, distinct, colocate, ...rules }) => ({
    ...Object.fromEntries(Object.entries(rules).filter(([, rule]) => rule !== undefined)),
    ...(spread === undefined ? {} : { spread: [spread] }),
    ...(distinct === undefined ? {} : { distinct: [distinct] }),
    ...(colocate === undefined
      ? {}
      : { colocate: [{ workload: "default/companion" as WorkloadId, by: colocate }] }),
  }));
const spec: fc.Arbitrary<WorkloadSpec> = fc
  .record({
    resources,
    placement,
    count: fc.integer({ min: 1, max: 6 }),
    constraints: fc.constantFrom<string[]>([], [], [], ["node.labels.rack in [a, b]"]),
    ports: fc.constantFrom<WorkloadSpec["ports"]>(
      {},
      {},
      { http: { static: null } },
      { a: { static: 8_080 }, b: { static: null } },
    ),
    isService: fc.boolean(),
  })
  .map(({ isService, ...more }) =>
    isService ? serviceSpec({ name: "some", ...more }) : batchSpec({ name: "some", ...more }),
  );
const step = fc.record({
  spec,
  /** Which of what was granted before is given back first. */
  freed: fc.array(fc.nat(1_000), { maxLength: 2 }),
  /** A node that is described anew, in another rack. */
  moved: rarely(fc.nat(1_000)),
});

function describeNode(n: number, draft: NodeDraft) {
  const zones = [0, 1].map((id) => ({
    id,
    cpuMillis: draft.cpuMillis / 2,
    memoryMiB: 4_096,
    gpuUuids: [`GPU-${id}-${n}`],
  }));
  const storage = [
    { mediaClass: "hdd" as const, diskMiB: 60_000 },
    {
      mediaClass: "nvme" as const,
      diskMiB: 42_400,
      ...(draft.isDiskBroken
        ? { health: { state: "unhealthy" as const, reason: "it says that it fails" } }
        : {}),
    },
  ];
  return nodeDescription(n, {
    labels: { rack: draft.rack },
    gpus: draft.gpus.map((more, at) => {
      const slices = more.slices?.map((slice) => ({ ...slice, uuid: `MIG-${at}-${n}` }));
      return gpu(at, { ...more, uuid: `GPU-${at}-${n}`, ...(slices ? { slices } : {}) });
    }),
    capacity: {
      cpuMillis: draft.cpuMillis,
      memoryMiB: 8_192,
      diskMiB: 102_400,
      networkMbps: draft.networkMbps,
    },
    portRange: { from: 20_000, to: 20_000 + draft.ports - 1 },
    ...(draft.isZoned ? { zones } : {}),
    ...(draft.isTainted ? { taints: [{ key: "slow", reason: null }] } : {}),
    ...(draft.isElsewhere ? { pool: "special" } : {}),
    ...(draft.disks === 2 ? { storage } : {}),
    ...(draft.fpga === 0 ? {} : { devices: { fpga: draft.fpga } }),
  });
}

function buildCluster(nodes: readonly NodeDraft[]): TestCluster {
  const cluster = new TestCluster();
  for (const [n, draft] of nodes.entries()) {
    cluster.hello(describeNode(n, draft));
    if (draft.isCordoned) cluster.command("node.cordon", { node: `n${n}`, reason: null });
  }
  cluster.apply(serviceSpec({ name: "companion", resources: { cpuMillis: 100, memoryMiB: 64 } }));
  return cluster;
}

interface Ranked {
  readonly id: NodeId;
  readonly total: number;
}

/** The slow way: every node is asked, nothing is remembered. */
function rankAll(
  nodes: Iterable<NodeRecord>,
  ledger: Ledger,
  request: PlacementRequest,
  surroundings: LiveSurroundings,
  context: ScoreContext,
): Ranked[] {
  const ranked: Ranked[] = [];
  for (const one of nodes) {
    const usage = ledger.usageOf(one);
    if (firstLack(request, one, usage, surroundings)) continue;
    ranked.push({ id: one.id, total: scoreNode(request, one, usage, context).total });
  }
  return ranked.sort((a, b) => b.total - a.total || (a.id < b.id ? -1 : 1));
}

test("[INV1] the fleet's choices are those of plain loops over all nodes", () => {
  let decisions = 0;
  fc.assert(
    fc.property(
      fc.array(node, { minLength: 1, maxLength: 9, size: "max" }),
      fc.array(step, { minLength: 6, maxLength: 14, size: "max" }),
      (drafts, steps) => {
        const cluster = buildCluster(drafts);
        const { state } = cluster;
        const ledger = new Ledger();
        const granted: { node: NodeRecord; grant: Grant }[] = [];
        for (const { spec: wanted, freed, moved } of steps) {
          for (const pick of freed) {
            const [one] = granted.splice(pick % Math.max(1, granted.length), 1);
            if (one) ledger.release(one.node, one.grant);
          }
          relabel(cluster, drafts, moved);
          const request = placementRequest(wanted);
          const own = [...liveNodesOf(state, undefined)];
          const fleet = fleetOf(state, ledger);
          const surroundings = new LiveSurroundings(state, request, own);
          const candidates = new Candidates(fleet, ledger, own, request, surroundings);
          const { engine } = fleet;
          const context: ScoreContext = {
            prices: engine.fleet.prices,
            premiumOf: (kind) => engine.fleet.prices.premiums[engine.fleet.kindNumber(kind)] ?? 0,
            ownAt: (path, value) => surroundings.ownAt(path, value),
            valuesOf: (path) =>
              new Set([...state.nodes.values()].map((n) => valueOf(n, path))).size,
          };
          for (let index = 0; index < request.count; index += 1) {
            const ranked = rankAll(state.nodes.values(), ledger, request, surroundings, context);
            const found = candidates.best(decisions + 1);
            decisions += 1;
            const listed = found?.why.candidates.map(({ nodeId: id, score: total }) => ({
              id,
              total,
            }));
            expect(listed ?? []).toEqual(ranked.slice(0, 3));
            expect(found?.why.nodesFeasible ?? 0).toBe(ranked.length);
            if (!found) break;
            candidates.take(found);
            granted.push({ node: found.node, grant: found.granted });
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
  expect(decisions).toBeGreaterThan(DECISIONS_MIN);
});

function relabel(
  cluster: TestCluster,
  drafts: readonly NodeDraft[],
  moved: number | undefined,
): void {
  if (moved === undefined) return;
  const n = moved % drafts.length;
  const draft = drafts[n];
  assert(draft, "a node that was described");
  const rack = moved % 2 === 0 ? "a" : "b";
  cluster.append([{ type: "NodeRegistered", node: describeNode(n, { ...draft, rack }) }]);
}
