import { type WorkloadSpec } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstLack } from "../place/check-node.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import { addGrant, copyUsage, subtractGrant, type UsageAccount } from "../state/node-usage.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { addCosts, compareCosts, type EvictionCost, NO_COST } from "./eviction-cost.ts";
import { SeatSearch } from "./seat-search.ts";
import { type Scene, type VictimUnit, Victims } from "./victims.ts";

function rarely<Value>(...values: Value[]): fc.Arbitrary<Value | undefined> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  );
}

const gpuRequest = fc.oneof(
  { weight: 3, arbitrary: fc.constant(null) },
  {
    weight: 4,
    arbitrary: fc.record({
      count: fc.constantFrom(1, 1, 2),
      models: fc.constantFrom<string[]>([], ["h100"], ["A100"]),
      memoryMiB: fc.constantFrom(0, 0, 50_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      count: fc.constant(1),
      models: fc.constant<string[]>([]),
      memoryMiB: fc.constantFrom(0, 0, 20_000),
      shareMillis: fc.constantFrom(250, 500, 700),
    }),
  },
);
const resources = fc
  .record({
    cpuMillis: fc.constantFrom(500, 1_000, 2_000),
    memoryMiB: fc.constantFrom(64, 1_024, 3_000),
    diskMiB: fc.constantFrom(0, 0, 10_000, 40_000),
    networkMbps: fc.constantFrom(0, 0, 300),
    gpu: gpuRequest,
    devices: rarely({ fpga: 1 }, { fpga: 2 }),
    numa: rarely("prefer" as const, "require" as const),
    isExclusive: fc.constantFrom(false, false, true),
  })
  .map(({ devices, numa, isExclusive, ...more }) => ({
    ...more,
    ...(devices === undefined ? {} : { devices }),
    ...(numa === undefined ? {} : { numa }),
    ...(isExclusive && more.cpuMillis >= 1_000 ? { exclusiveCores: true as const } : {}),
  }));
const ports = fc.constantFrom<WorkloadSpec["ports"]>(
  {},
  {},
  { http: { static: null } },
  { a: { static: 8_080 }, b: { static: null } },
);

interface Tenant {
  readonly isService: boolean;
  readonly count: number;
  readonly isGang: boolean;
  readonly priority: number;
  readonly resources: ReturnType<typeof batchSpec>["resources"];
  readonly ports: WorkloadSpec["ports"];
  readonly maxUnavailable: number | undefined;
  readonly preemptible: boolean;
  readonly ranMs: number;
}
const tenant: fc.Arbitrary<Tenant> = fc.record({
  isService: fc.boolean(),
  count: fc.constantFrom(1, 1, 2, 3),
  isGang: fc.constantFrom(false, false, true),
  priority: fc.constantFrom(0, 0, 10, 10, 30, 50, 70),
  resources,
  ports,
  maxUnavailable: fc.constantFrom(undefined, 0, 1, 2),
  preemptible: fc.constantFrom(true, true, true, false),
  ranMs: fc.constantFrom(0, 0, 1_500, 60_000),
});

const node = fc.record({
  gpus: fc
    .array(fc.constantFrom({}, { model: "NVIDIA A100", memoryMiB: 40_960 }, { memoryMiB: null }), {
      maxLength: 3,
    })
    .map((list) => list.map((more, i) => gpu(i, more))),
  isZoned: fc.boolean(),
  storage: fc.constantFrom(1, 2),
  fpga: fc.constantFrom(0, 2),
  ports: fc.constantFrom(1, 2, 1_000),
});

const scenario = fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength: 2 }),
  tenants: fc.array(tenant, { minLength: 4, maxLength: 8 }),
  percent: fc.constantFrom(100, 100, 150),
  preemptor: fc
    .record({
      priority: fc.constantFrom(25, 65, 90),
      resources,
      ports,
      cpuMillis: fc.constantFrom(1_000, 3_000, 4_000),
      gpus: fc.constantFrom(0, 0, 1, 1),
    })
    .map(({ resources: asked, cpuMillis, gpus, ...more }) => {
      const device = asked.gpu ?? (gpus === 0 ? null : { count: 2, models: [], memoryMiB: 0 });
      return { ...more, resources: { ...asked, cpuMillis, gpu: device } };
    }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

function buildCluster({ nodes, tenants, percent }: Scenario): TestCluster {
  const cluster = new TestCluster();
  cluster.append([
    { type: "PoolConfigured", pool: { name: "default", cpuOvercommitPercent: percent } },
  ]);
  cluster.join(nodes.length, (n) => {
    const one = nodes[n];
    assert(one, "every node that joins is described");
    const gpus = one.gpus.map((device) => ({ ...device, uuid: `${device.uuid}-${n}` }));
    const zones = [0, 1].map((id) => ({
      id,
      cpuMillis: 2_000,
      memoryMiB: 4_096,
      gpuUuids: gpus.flatMap(({ uuid }, i) => (i % 2 === id ? [uuid] : [])),
    }));
    const disks = [
      { mediaClass: null, diskMiB: 51_200 },
      { mediaClass: null, diskMiB: 51_200 },
    ];
    return nodeDescription(n, {
      gpus,
      ...(one.isZoned ? { zones } : {}),
      ...(one.storage === 2 ? { storage: disks } : {}),
      ...(one.fpga > 0 ? { devices: { fpga: one.fpga } } : {}),
      portRange: { from: 20_000, to: 20_000 + one.ports - 1 },
    });
  });
  for (const [n, one] of tenants.entries()) {
    const { isService, isGang, maxUnavailable, preemptible, ranMs, ...spec } = one;
    const common = {
      ...spec,
      name: `t${n}`,
      placement: {
        ...(isGang ? { gang: { within: null } } : {}),
        ...(maxUnavailable === undefined ? {} : { disruptionMaxUnavailable: maxUnavailable }),
        ...(preemptible ? {} : { preemptible }),
      },
    };
    cluster.apply(isService ? serviceSpec(common) : batchSpec(common));
    cluster.startAll();
    cluster.nowUnixMs += ranMs;
  }
  return cluster;
}

interface Best {
  readonly node: NodeRecord;
  readonly units: readonly VictimUnit[];
  readonly cost: EvictionCost;
}

/** The slow way: every subset of the units of every node. */
function cheapestOfAll(
  request: PlacementRequest,
  nodes: readonly NodeRecord[],
  victims: Victims,
  usages: ReadonlyMap<NodeRecord, UsageAccount>,
): Best | null {
  let best: Best | null = null;
  for (const one of nodes) {
    const units = victims.on(one);
    for (let subset = 0; subset < 2 ** units.length; subset += 1) {
      const chosen = units.filter((_, at) => (subset >> at) & 1);
      const usage = copyUsage(usages.get(one) ?? one.usage);
      for (const victim of chosen.flatMap((unit) => unit.victims)) {
        if (victim.node === one) subtractGrant(usage, victim.granted);
      }
      const cost = chosen.reduce((sum, unit) => addCosts(sum, unit.cost), NO_COST);
      if (best && compareCosts(cost, best.cost) > 0) continue;
      if (best && compareCosts(cost, best.cost) === 0 && best.node.id < one.id) continue;
      if (firstLack(request, one, usage) || !isAffordable(chosen, victims)) continue;
      const isTie = best !== null && best.node === one && compareCosts(cost, best.cost) === 0;
      if (isTie && best !== null && !comesFirst(units, chosen, best.units)) continue;
      best = { node: one, units: chosen, cost };
    }
  }
  return best;
}

function isAffordable(chosen: readonly VictimUnit[], victims: Victims): boolean {
  return chosen.every(({ workload }) => {
    const claims = chosen.filter((unit) => unit.workload === workload);
    return claims.reduce((sum, unit) => sum + unit.claims, 0) <= victims.budgetOf(workload);
  });
}

function comesFirst(
  units: readonly VictimUnit[],
  a: readonly VictimUnit[],
  b: readonly VictimUnit[],
): boolean {
  const first = units.find((unit) => a.includes(unit) !== b.includes(unit));
  return first !== undefined && a.includes(first);
}

const idsOf = (units: readonly VictimUnit[]) =>
  units.flatMap((unit) => unit.victims.map(({ id }) => id)).sort();

describe("whom to evict", () => {
  test("is what trying every set of victims on every node finds, seat after seat", () => {
    let preempted = 0;
    fc.assert(
      fc.property(scenario, (one) => {
        const { state, nowUnixMs } = buildCluster(one);
        const spec = serviceSpec({ name: "urgent", ...one.preemptor });
        const request = placementRequest(spec);
        const scene: Scene = { state, nowUnixMs, isStopping: () => false };
        const nodes = [...state.nodes.values()];
        const search = new SeatSearch({
          request,
          nodes,
          victims: new Victims(scene, spec),
          usageThen: ({ usage }) => usage,
          surroundings: null,
        });
        const victims = new Victims(scene, spec);
        const usages = new Map(nodes.map((each) => [each, copyUsage(each.usage)]));
        for (let seats = 1; seats <= 3; seats += 1) {
          const expected = cheapestOfAll(request, nodes, victims, usages);
          const found = search.next(1_000 + seats);
          expect(found?.cost).toEqual(expected?.cost);
          expect(found?.node.id).toBe(expected?.node.id);
          expect(idsOf(found?.units ?? [])).toEqual(idsOf(expected?.units ?? []));
          if (!found || !expected) return;
          expect(found.isExact).toBe(true);
          if (found.units.length > 0) preempted += 1;
          victims.evict(expected.units);
          for (const unit of expected.units) {
            for (const { node: there, granted } of unit.victims) {
              const usage = usages.get(there);
              if (usage) subtractGrant(usage, granted);
            }
          }
          const usage = usages.get(expected.node);
          if (usage) addGrant(usage, found.granted);
        }
      }),
      { numRuns: 400 },
    );
    expect(preempted).toBeGreaterThan(35);
  });
});
