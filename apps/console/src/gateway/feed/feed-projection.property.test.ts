import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FeedDelta, WorkloadInput } from "@berth/protocol";
import type { Changes } from "@berth/scheduler/state";
import { CoreCluster } from "../../../test/core-cluster.ts";
import {
  applyDelta,
  type ClusterModel,
  modelFromSnapshot,
} from "../../../web/model/cluster-model.ts";
import { FeedProjection } from "./feed-projection.ts";
import { mergeDeltas } from "./merge-deltas.ts";

/** Small, so that making room happens in every run. */
const limits = { finishedAllocationsMax: 4, eventsMax: 12 };

type Step =
  | { do: "join" }
  | { do: "apply"; name: number; kind: "service" | "batch" | "system"; count: number; cpu: number }
  | { do: "stop" | "remove"; name: number }
  | { do: "run"; at: number }
  | { do: "finish"; at: number; outcome: "complete" | "failed" | "stopped" }
  | { do: "node"; at: number; status: "ready" | "down" };

const at = fc.nat(20);
const name = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("join" as const) }),
  fc.record({
    do: fc.constant("apply" as const),
    name,
    kind: fc.constantFrom("service", "batch", "system"),
    count: fc.integer({ min: 1, max: 4 }),
    cpu: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ do: fc.constantFrom("stop" as const, "remove" as const), name }),
  fc.record({ do: fc.constant("run" as const), at }),
  fc.record({
    do: fc.constant("finish" as const),
    at,
    outcome: fc.constantFrom("complete", "failed", "stopped"),
  }),
  fc.record({ do: fc.constant("node" as const), at, status: fc.constantFrom("ready", "down") }),
);

describe("the feed's deltas", () => {
  it("make of any earlier snapshot what a fresh one says, one by one and merged", () => {
    fc.assert(
      fc.property(fc.array(fc.array(step, { maxLength: 4 }), { maxLength: 20 }), (batches) => {
        const cluster = new CoreCluster();
        cluster.join();
        const projection = new FeedProjection({ epoch: "e", state: cluster.state }, limits);
        const first = modelFromSnapshot(projection.snapshot());
        const deltas: FeedDelta[] = [];
        let model = first;
        for (const batch of batches) {
          const changes = batch.flatMap((each) => [...take(cluster, each), ...cluster.settle()]);
          if (changes.length === 0) continue;
          const delta = projection.delta(changes);
          deltas.push(delta);
          model = follow(model, delta);
          expect(comparable(model)).toEqual(comparable(modelFromSnapshot(projection.snapshot())));
        }
        const [head, ...tail] = deltas;
        if (head === undefined) return;
        const merged = follow(first, mergeDeltas([head, ...tail], limits));
        expect(comparable(merged)).toEqual(comparable(model));
      }),
      { numRuns: 150 },
    );
  });

  it("carry sequences that only grow, each naming the one before it", () => {
    const cluster = new CoreCluster();
    const projection = new FeedProjection({ epoch: "e", state: cluster.state }, limits);
    const before = projection.seq;
    const one = projection.delta(cluster.join());
    const two = projection.delta([...cluster.join(), ...cluster.join()]);
    expect([one.previousSeq, one.seq]).toEqual([before, before + 1]);
    expect([two.previousSeq, two.seq]).toEqual([before + 1, before + 3]);
  });

  it("do not apply to a model that has missed one, or is of another epoch", () => {
    const cluster = new CoreCluster();
    const projection = new FeedProjection({ epoch: "e", state: cluster.state }, limits);
    const model = modelFromSnapshot(projection.snapshot());
    const missed = projection.delta(cluster.join());
    const next = projection.delta(cluster.join());
    expect(applyDelta(model, next, limits.eventsMax)).toBeNull();
    expect(applyDelta(model, { ...missed, epoch: "other" }, limits.eventsMax)).toBeNull();
  });
});

function take(cluster: CoreCluster, each: Step): Changes[] {
  switch (each.do) {
    case "join":
      return cluster.join();
    case "apply":
      return cluster.apply(workload(each));
    case "stop":
      return cluster.stop(`default/w${each.name}`);
    case "remove":
      return cluster.remove(`default/w${each.name}`);
    case "run":
      return cluster.run(each.at);
    case "finish":
      return cluster.finish(each.at, each.outcome);
    case "node":
      return cluster.setNode(each.at, each.status);
  }
}

function workload({ name: number, kind, count, cpu }: Extract<Step, { do: "apply" }>) {
  return {
    kind,
    name: `w${number}`,
    task: { command: ["run"] },
    resources: { cpu: String(cpu) },
    ...(kind === "system" ? {} : { count }),
  } as WorkloadInput;
}

function follow(model: ClusterModel, delta: FeedDelta): ClusterModel {
  const after = applyDelta(model, delta, limits.eventsMax);
  if (after === null) throw new Error("the delta does not follow");
  return after;
}

/** Without the order of the maps, which says nothing. */
function comparable(model: ClusterModel) {
  const sorted = <T extends { id: string }>(views: ReadonlyMap<string, T>) =>
    [...views.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    ...model,
    nodes: sorted(model.nodes),
    workloads: sorted(model.workloads),
    allocations: sorted(model.allocations),
  };
}
