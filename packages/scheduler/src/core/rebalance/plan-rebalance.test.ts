import { api, type ApiRequest, type RebalancePlan } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { handleQuery } from "../query/handle-query.ts";
import { stateHash } from "../state/state-hash.ts";
import { batchSpec, gpu, nodeDescription, serviceSpec } from "../testing/builders.ts";
import { TestCluster } from "../testing/test-cluster.ts";

function ask(cluster: TestCluster, params: ApiRequest<"cluster.rebalance"> = {}) {
  const request = api["cluster.rebalance"].request.parse(params);
  const at = { nowUnixMs: cluster.nowUnixMs };
  return handleQuery(cluster.state, "cluster.rebalance", request, at);
}

/** The plan, held against the method's own schema; the cluster is the same afterwards. */
function plan(cluster: TestCluster, params: ApiRequest<"cluster.rebalance"> = {}): RebalancePlan {
  const before = stateHash(cluster.state);
  const result = ask(cluster, params);
  expect(stateHash(cluster.state)).toBe(before);
  if (!result.ok) throw new Error(result.error.message);
  const sent = JSON.parse(JSON.stringify(result.value)) as unknown;
  expect(api["cluster.rebalance"].reply.parse(sent)).toEqual(result.value);
  return result.value;
}

/** Four servers of eight GPUs with tasks of one GPU each: two servers half full, two idle. */
function scattered(isMovable = true): TestCluster {
  const cluster = new TestCluster().join(4, (n) =>
    nodeDescription(n, {
      capacity: { cpuMillis: 64_000, memoryMiB: 262_144, diskMiB: 1, networkMbps: null },
      gpus: Array.from({ length: 8 }, (_, i) => gpu(8 * n + i)),
    }),
  );
  const open = (name: string) => cluster.command("node.uncordon", { node: name });
  for (const node of ["n0", "n1", "n2", "n3"]) {
    cluster.command("node.cordon", { node, reason: null });
  }
  const small = (name: string) =>
    batchSpec({
      name,
      count: 4,
      resources: { cpuMillis: 1_000, memoryMiB: 1_024, gpu: gpus(1) },
      placement: isMovable ? { movable: true } : {},
    });
  for (const [name, node] of [
    ["left", "n0"],
    ["right", "n1"],
  ] as const) {
    open(node);
    cluster.apply(small(name));
    cluster.command("node.cordon", { node, reason: null });
  }
  for (const node of ["n0", "n1", "n2", "n3"]) open(node);
  return cluster.converge();
}

function gpus(count: number) {
  return { count, models: [], memoryMiB: 0 };
}

const large = batchSpec({
  name: "large",
  count: 2,
  resources: { cpuMillis: 8_000, memoryMiB: 8_192, gpu: gpus(8) },
});

/** Half of the servers is taken as a whole; what runs on the others leaves no whole one. */
function crowded(isMovable = true): TestCluster {
  const cluster = scattered(isMovable);
  cluster.apply(large);
  return cluster.converge();
}

const strandedGpus = ({ dimensions }: RebalancePlan["before"]) =>
  dimensions.find(({ dimension }) => dimension === "gpuMillis")?.stranded;

describe("a plan of rebalancing", () => {
  test("brings together what is scattered, so that whole servers are free again", () => {
    const cluster = crowded();
    const { moves, before, after, stranded, movable } = plan(cluster);
    expect(movable).toBe(8);
    expect(moves).toHaveLength(4);
    expect(new Set(moves.map(({ from }) => from)).size).toBe(1);
    expect(new Set(moves.map(({ to }) => to)).size).toBe(1);
    expect(strandedGpus(before)).toBeGreaterThan(0);
    expect(strandedGpus(after)).toBe(0);
    const gain = moves.reduce((sum, move) => sum + move.gain, 0);
    expect(gain).toBe(stranded.before - stranded.after);
    expect(gain).toBeGreaterThan(0);
    const eight = (requests: RebalancePlan["before"]["requests"]) =>
      requests.find(({ workload }) => workload === "default/large")?.fits;
    expect([eight(before.requests), eight(after.requests)]).toEqual([0, 1]);
  });

  test("touches nothing that does not say it may be moved", () => {
    const cluster = crowded(false);
    expect(plan(cluster)).toMatchObject({ moves: [], movable: 0 });
  });

  test("moves nothing where nothing is gained", () => {
    const cluster = crowded();
    perform(cluster, plan(cluster));
    expect(plan(cluster).moves).toEqual([]);
  });

  test("makes no more moves than it was told", () => {
    expect(plan(crowded(), { movesMax: 2 }).moves.length).toBeLessThanOrEqual(2);
  });

  test("comes true, move by move", () => {
    const cluster = crowded();
    const planned = plan(cluster);
    perform(cluster, planned);
    for (const { workload, index, to } of planned.moves) {
      const live = cluster.live(workload).find((one) => one.index === index);
      expect(live?.nodeName).toBe(to);
    }
    expect(strandedGpus(plan(cluster).before)).toBe(0);
  });
});

/** Makes every move, each once the one before is done. */
function perform(cluster: TestCluster, { moves }: RebalancePlan): void {
  for (const { allocation, toId } of moves) {
    const result = cluster.command("allocation.move", { allocation, node: toId });
    expect(result).toMatchObject({ ok: true });
    cluster.converge();
  }
}

describe("room for a workload", () => {
  const wanted = (count = 1) =>
    batchSpec({
      name: "wanted",
      count,
      resources: { cpuMillis: 4_000, memoryMiB: 4_096, gpu: gpus(6) },
    });

  test("is made with the fewest moves, and the workload then finds it", () => {
    const cluster = crowded();
    cluster.apply(wanted());
    const planned = plan(cluster, { workload: "wanted" });
    expect(planned.room).toMatchObject({ workload: "default/wanted", waiting: 1, placeable: 1 });
    expect(planned.moves).toHaveLength(2);
    perform(cluster, planned);
    expect(cluster.live("wanted")).toHaveLength(1);
  });

  test("is told how far it goes when not all of it can be made", () => {
    const cluster = crowded();
    cluster.apply(wanted(3));
    const planned = plan(cluster, { workload: "wanted" });
    expect(planned.room).toMatchObject({ waiting: 3, placeable: 1 });
    const [group] = planned.room?.groups ?? [];
    expect(group).toMatchObject({ count: 2, explanation: { reason: "no_fit" } });
  });

  test("is not made by moving what may not be moved", () => {
    const cluster = crowded(false);
    cluster.apply(wanted());
    expect(plan(cluster, { workload: "wanted" })).toMatchObject({
      moves: [],
      room: { placeable: 0 },
    });
  });

  test("is refused for what does not wait for any", () => {
    const cluster = crowded();
    const result = ask(cluster, { workload: "large" });
    expect(result).toMatchObject({ ok: false, error: { code: "conflict" } });
  });
});

test("a workload whose budget is used up is left alone", () => {
  const cluster = new TestCluster().join(2);
  cluster.apply(
    serviceSpec({
      count: 4,
      placement: { movable: true, disruptionMaxUnavailable: 0 },
    }),
  );
  cluster.converge();
  expect(plan(cluster)).toMatchObject({ movable: 0, moves: [] });
});
