import { api, type RebalancePlan, rulesOf, type WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { handleQuery } from "../query/handle-query.ts";
import { isAvailable } from "../state/cluster-state.ts";
import { stateHash } from "../state/state-hash.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { checkInvariants } from "../testing/check-invariants.ts";
import { TestCluster } from "../testing/test-cluster.ts";

const spec = fc
  .record({
    kind: fc.constantFrom("service", "batch"),
    count: fc.integer({ min: 1, max: 6 }),
    cpuMillis: fc.constantFrom(200, 500, 1_000, 1_700),
    memoryMiB: fc.constantFrom(128, 1_024, 3_000),
    gpus: fc.constantFrom(0, 0, 1, 2),
    isMovable: fc.constantFrom(true, true, true, false),
    maxUnavailable: fc.integer({ min: 1, max: 2 }),
    disruption: fc.constantFrom<{ disruptionMaxUnavailable?: number }>(
      {},
      {},
      { disruptionMaxUnavailable: 0 },
      { disruptionMaxUnavailable: 1 },
    ),
    rules: fc.constantFrom<{ distinct?: { by: string; max: number }[] }>(
      {},
      {},
      { distinct: [{ by: "node.name", max: 2 }] },
    ),
  })
  .map(({ kind, gpus, isMovable, maxUnavailable, cpuMillis, memoryMiB, count, ...more }) => ({
    kind,
    maxUnavailable,
    count,
    resources: {
      cpuMillis,
      memoryMiB,
      gpu: gpus === 0 ? null : { count: gpus, models: [], memoryMiB: 0 },
    },
    placement: { ...more.disruption, ...more.rules, ...(isMovable ? { movable: true } : {}) },
  }));

function specOf(
  n: number,
  { kind, maxUnavailable, ...one }: typeof spec extends fc.Arbitrary<infer T> ? T : never,
): WorkloadSpec {
  const name = `w${n}`;
  return kind === "service"
    ? serviceSpec({ name, ...one, update: { maxUnavailable } })
    : batchSpec({ name, ...one });
}

/** Work comes and goes, so that what stays is scattered. */
const history = fc.record({
  nodes: fc.array(fc.constantFrom(0, 0, 2, 4), { minLength: 2, maxLength: 6 }),
  specs: fc.array(spec, { minLength: 2, maxLength: 8 }),
  ended: fc.array(fc.nat(30), { maxLength: 10 }),
});

function clusterAfter({
  nodes,
  specs,
  ended,
}: typeof history extends fc.Arbitrary<infer T> ? T : never): TestCluster {
  const made = new TestCluster().join(nodes.length, (n) =>
    nodeDescription(n, {
      gpus: Array.from({ length: nodes[n] ?? 0 }, (_, i) => gpu(10 * n + i)),
    }),
  );
  for (const [n, one] of specs.entries()) made.apply(specOf(n, one));
  made.converge();
  for (const number of ended) {
    const batches = [...made.state.allocations.values()].filter(
      ({ status, spec: { kind } }) => status === "running" && kind === "batch",
    );
    const allocation = batches[number % Math.max(1, batches.length)];
    if (allocation) made.end(allocation, "complete");
  }
  return made.converge();
}

function plan(of: TestCluster, workload: string | null = null): RebalancePlan | null {
  const request = api["cluster.rebalance"].request.parse({ workload });
  const at = { nowUnixMs: of.nowUnixMs };
  const result = handleQuery(of.state, "cluster.rebalance", request, at);
  return result.ok ? result.value : null;
}

/** How many more indexes of a workload do not serve than its budget allows; at most 0 is right. */
function excessOf({ state }: TestCluster, id: string): number {
  const workload = [...state.workloads.values()].find((one) => one.id === id);
  if (!workload || workload.spec.kind === "system") return 0;
  const max = rulesOf(workload.spec).disruptionMaxUnavailable;
  if (max === null) return 0;
  let unavailable = 0;
  for (let index = 0; index < workload.spec.count; index += 1) {
    const slot = workload.slots.get(index);
    const live = slot?.live ? state.allocations.get(slot.live) : undefined;
    if (!slot?.done && !(live && isAvailable(live))) unavailable += 1;
  }
  return unavailable - max;
}

/** Makes the moves for real, and watches every workload meanwhile. */
function perform(of: TestCluster, { moves }: RebalancePlan): void {
  for (const { allocation, toId, workload, index, to } of moves) {
    const result = of.command("allocation.move", { allocation, node: toId });
    if (!result.ok) throw new Error(`a planned move is refused: ${result.error.message}`);
    checkInvariants(of.state);
    expect(excessOf(of, workload)).toBeLessThanOrEqual(0);
    of.converge();
    checkInvariants(of.state);
    const live = of.live(workload).find((one) => one.index === index);
    expect(live?.nodeName).toBe(to);
  }
}

test("a plan never worsens the sum, its gains add up, and every move of it can be made within budgets", () => {
  fc.assert(
    fc.property(history, (past) => {
      const one = clusterAfter(past);
      const hash = stateHash(one.state);
      const planned = plan(one);
      expect(planned).not.toBeNull();
      if (!planned) return;
      expect(stateHash(one.state)).toBe(hash);
      expect(plan(one)).toEqual(planned); // the same state, the same plan
      const { moves, stranded, before, after } = planned;
      const gains = moves.reduce((sum, { gain }) => sum + gain, 0);
      expect(gains).toBe(stranded.before - stranded.after);
      if (moves.length > 0) expect(gains).toBeGreaterThan(0);
      for (const [at, { dimension, stranded: was }] of before.dimensions.entries()) {
        const recovered = moves.reduce((sum, move) => sum + move.recovered[dimension], 0);
        expect(recovered).toBe(was - (after.dimensions[at]?.stranded ?? 0));
      }
      const waits = [...one.state.workloads.values()].some(({ pending }) => pending.length > 0);
      if (waits) return; // what waits may take the room that moves make
      perform(one, planned);
      expect(plan(one)?.before).toEqual(after);
    }),
    { numRuns: 150 },
  );
});

test("room made for a workload is room that it finds, and its moves keep to budgets", () => {
  let made = 0;
  fc.assert(
    fc.property(history, fc.integer({ min: 1, max: 4 }), (past, gpus) => {
      const one = clusterAfter(past);
      const resources = { cpuMillis: 2_500, gpu: { count: gpus, models: [], memoryMiB: 0 } };
      const polite = { placement: { preempts: false } };
      one.apply(batchSpec({ name: "wanted", priority: 90, resources, ...polite })); // before all that waits
      one.converge();
      const planned = plan(one, "wanted");
      if (!planned?.room || planned.room.placeable === 0) return;
      const waiting = [...one.state.workloads.values()].filter(({ pending }) => pending.length > 0);
      for (const { allocation, toId, workload } of planned.moves) {
        const result = one.command("allocation.move", { allocation, node: toId });
        if (!result.ok) throw new Error(`a planned move is refused: ${result.error.message}`);
        expect(excessOf(one, workload)).toBeLessThanOrEqual(0);
        one.converge();
        checkInvariants(one.state);
      }
      made += 1;
      // Whatever else waits may find the room first.
      if (waiting.length === 1) expect(one.live("wanted")).toHaveLength(1);
    }),
    { numRuns: 300 },
  );
  expect(made).toBeGreaterThan(0);
});
