import type { AllocationReport, Gpu, WorkloadSpec } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import fc from "fast-check";
import { Liveness } from "../src/core/node/liveness.ts";
import {
  batchSpec,
  gpu,
  leaderStarted,
  nodeDescription,
  serviceSpec,
  systemSpec,
} from "../src/core/testing/builders.ts";
import { finished, running, TestCluster } from "../src/core/testing/test-cluster.ts";

const resources = fc.record({
  cpuMillis: fc.constantFrom(100, 100, 500, 1_000, 1_000, 3_000, 5_000),
  memoryMiB: fc.constantFrom(64, 64, 1_024, 1_024, 4_096, 9_000),
  diskMiB: fc.constantFrom(0, 0, 0, 10_000, 60_000),
  networkMbps: fc.constantFrom(0, 0, 0, 0, 100, 600),
  gpu: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    {
      weight: 1,
      arbitrary: fc.record({
        count: fc.constantFrom(1, 2, 3),
        models: fc.constantFrom<string[]>([], ["h100"], ["A100", "h100"]),
        memoryMiB: fc.constantFrom(0, 0, 50_000),
      }),
    },
  ),
});
const ports = fc.constantFrom<WorkloadSpec["ports"]>(
  {},
  {},
  { http: { static: null } },
  { a: { static: 8_080 }, b: { static: null } },
);
const constraints = fc.constantFrom<string[]>(
  [],
  [],
  [],
  ["node.labels.rack == a"],
  ["not (node.labels.rack == a)"],
);
const name = fc.constantFrom("s0", "s1", "b0", "b1", "y0");
const count = fc.integer({ min: 1, max: 6 });
const priority = fc.constantFrom(10, 50, 90);
/** Most may be moved, so that moves are tried. */
const placement = fc.constantFrom({ movable: true }, { movable: true }, {});

const spec: fc.Arbitrary<WorkloadSpec> = fc.oneof(
  fc
    .record({
      name: fc.constantFrom("s0", "s1"),
      count,
      priority,
      resources,
      ports,
      constraints,
      placement,
    })
    .map(serviceSpec),
  fc
    .record({
      name: fc.constantFrom("b0", "b1"),
      count,
      priority,
      resources,
      ports,
      constraints,
      placement,
    })
    .map(batchSpec),
  fc.record({ name: fc.constant("y0"), priority, resources, ports, constraints }).map(systemSpec),
);

const pick = fc.nat(1_000);
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant("apply" as const), spec }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), name }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("report" as const),
      pick,
      outcome: fc.constantFrom(
        "running",
        "healthy",
        "unhealthy",
        "complete",
        "failed",
        "stopped",
        "lost",
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("agents" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("down" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("hello" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("cordon" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("uncordon" as const), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("drain" as const),
      pick,
      deadlineMs: fc.constantFrom(null, 0, 5_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("move" as const), pick }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leader" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("relabel" as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("wait" as const),
      ms: fc.constantFrom(500, 5_000, 700_000),
    }),
  },
);
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

const gpus: fc.Arbitrary<Gpu[]> = fc
  .array(fc.constantFrom({}, { model: "NVIDIA A100", memoryMiB: 40_960 }, { memoryMiB: null }), {
    maxLength: 3,
  })
  .map((list) => list.map((more, i) => gpu(i, more)));
const node = fc.record({
  rack: fc.constantFrom("a", "b"),
  gpus,
  networkMbps: fc.constantFrom(null, 1_000),
  reservedMiB: fc.constantFrom(0, 512),
  ports: fc.constantFrom(1, 1_000),
});

/** Random clusters under random workloads and accidents. */
export const scenario = fc.record({
  nodes: fc.array(node, { minLength: 1, maxLength: 5 }),
  actions: fc.array(action, { minLength: 5, maxLength: 40, size: "max" }),
});

export function buildCluster(
  nodes: readonly (typeof node extends fc.Arbitrary<infer T> ? T : never)[],
): TestCluster {
  return new TestCluster().join(nodes.length, (n) => {
    const one = nodes[n];
    assert(one, "every node that joins is described");
    const { rack, gpus: devices, networkMbps, reservedMiB, ports: size } = one;
    return nodeDescription(n, {
      labels: { rack },
      gpus: devices.map((device) => ({ ...device, uuid: `${device.uuid}-${n}` })),
      capacity: { cpuMillis: 4_000, memoryMiB: 8_192, diskMiB: 102_400, networkMbps },
      reserved: { cpuMillis: 0, memoryMiB: reservedMiB, diskMiB: 0, networkMbps: null },
      portRange: { from: 20_000, to: 20_000 + size - 1 },
    });
  });
}

export function act(cluster: TestCluster, action: Action): void {
  const { state } = cluster;
  const nodes = [...state.nodes.values()];
  const nodeAt = (n: number) => nodes[n % nodes.length];
  switch (action.do) {
    case "apply": {
      const id = `${action.spec.project}/${action.spec.name}`;
      if (![...state.workloads.values()].some((w) => w.id === id && w.removing))
        cluster.apply(action.spec);
      return;
    }
    case "stop":
      return void cluster.command("workload.stop", { workload: action.name });
    case "remove":
      return void cluster.command("workload.remove", { workload: action.name });
    case "agents":
      return void cluster.startAll("healthy").endStopping();
    case "report": {
      const all = [...state.allocations.values()];
      const allocation = all[action.pick % Math.max(1, all.length)];
      if (allocation)
        cluster.report(allocation.nodeId, [reportOf(cluster, allocation, action.outcome)]);
      return;
    }
    case "down": {
      const liveness = new Liveness();
      liveness.leaderStarted(0);
      for (const one of nodes) if (one !== nodeAt(action.pick)) liveness.beat(one.id, 2_000);
      for (let ms = 1_000; ms < 10_000; ms += 1_000) liveness.due(state, ms, cluster.nowUnixMs);
      for (const one of nodes) if (one !== nodeAt(action.pick)) liveness.beat(one.id, 10_000);
      cluster.append(liveness.due(state, 10_000, cluster.nowUnixMs));
      return;
    }
    case "hello": {
      const one = nodeAt(action.pick);
      if (!one) return;
      const listed = [...one.live].filter((_, i) => (action.pick >> i) % 3 !== 0);
      const reports = listed.flatMap((id) => {
        const allocation = state.allocations.get(id);
        return allocation ? [running(allocation)] : [];
      });
      return void cluster.hello(one.description, reports);
    }
    case "cordon":
      return void cluster.command("node.cordon", {
        node: nodeAt(action.pick)?.id ?? "",
        reason: null,
      });
    case "uncordon":
      return void cluster.command("node.uncordon", { node: nodeAt(action.pick)?.id ?? "" });
    case "drain":
      return void cluster.command("node.drain", {
        node: nodeAt(action.pick)?.id ?? "",
        deadlineMs: action.deadlineMs,
        ignoreSystem: action.pick % 2 === 0,
        reason: null,
      });
    case "move": {
      const running = [...state.allocations.values()].filter(({ status }) => status === "running");
      const allocation = running[action.pick % Math.max(1, running.length)];
      if (!allocation) return;
      const target = action.pick % 3 === 0 ? null : (nodeAt(action.pick >> 2)?.id ?? null);
      return void cluster.command("allocation.move", { allocation: allocation.id, node: target });
    }
    case "leader":
      return void cluster.append([leaderStarted(state.term + 1)]);
    case "relabel": {
      const one = nodeAt(action.pick);
      if (!one) return;
      const reports = [...one.live].flatMap((id) => {
        const allocation = state.allocations.get(id);
        return allocation && allocation.status !== "placed" ? [running(allocation)] : [];
      });
      const rack = action.pick % 2 === 0 ? "a" : "b";
      return void cluster.hello({ ...one.description, labels: { rack } }, reports);
    }
    case "wait":
      cluster.nowUnixMs += action.ms;
  }
}

function reportOf(
  cluster: TestCluster,
  allocation: Parameters<typeof running>[0],
  outcome: string,
): AllocationReport {
  switch (outcome) {
    case "complete":
    case "failed":
    case "stopped":
    case "lost":
      return finished(allocation, outcome, cluster.nowUnixMs);
    case "healthy":
    case "unhealthy":
      return running(allocation, { health: outcome });
    default:
      return running(allocation);
  }
}
