import {
  api,
  type ApiParams,
  type ClusterEvent,
  type HypothesisInput,
  type WhatIf,
} from "@berth/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { act, buildCluster, scenario } from "../../../test/scenario.ts";
import { handleCommand, type WriteMethod } from "../command/handle-command.ts";
import { lossOf } from "../node/liveness.ts";
import { handleQuery } from "../query/handle-query.ts";
import { applyEntry } from "../state/apply-entry.ts";
import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { stateHash } from "../state/state-hash.ts";
import { TestCluster } from "../testing/test-cluster.ts";
import { likeNode } from "./like-node.ts";

/** The same cluster again, from its log: what happens to one does not happen to the other. */
function twinOf(cluster: TestCluster): TestCluster {
  const twin = new TestCluster();
  for (const entry of cluster.log.slice(twin.log.length)) {
    twin.log.push(entry);
    applyEntry(twin.state, twin.state.seq + 1, entry);
  }
  twin.nowUnixMs = cluster.nowUnixMs;
  return twin;
}

/** Requests of a twin are not those that its log has answers to. */
function command<M extends WriteMethod>(
  twin: TestCluster,
  method: M,
  params: Omit<ApiParams<M>, "requestId">,
): void {
  const request = { ...params, requestId: "request-of-twin" } as unknown as ApiParams<M>;
  const result = handleCommand(twin.state, method, request, { nowUnixMs: twin.nowUnixMs });
  if (result.ok) twin.append(result.events);
}

interface Trial {
  readonly hypothesis: HypothesisInput;
  /** Makes it true. */
  readonly happen: (cluster: TestCluster) => void;
}

const kind = fc.constantFrom("drain", "lose", "add", "submit", "resize");

function trialOf(
  state: ClusterState,
  what: typeof kind extends fc.Arbitrary<infer T> ? T : never,
  pick: number,
): Trial | null {
  const nodes = [...state.nodes.values()];
  const node = nodes[pick % nodes.length];
  const workloads = [...state.workloads.values()];
  const workload = workloads[pick % Math.max(1, workloads.length)];
  if (!node) return null;
  const name = node.id;
  switch (what) {
    case "drain":
      return {
        hypothesis: { kind: "drain", nodes: [name] },
        happen(cluster) {
          const drain = { node: name, deadlineMs: null, ignoreSystem: false, reason: null };
          command(cluster, "node.drain", drain);
        },
      };
    case "lose":
      return {
        hypothesis: { kind: "lose", nodes: [name] },
        happen: (cluster) => void cluster.append(lossEvents(cluster, node)),
      };
    case "add":
      return {
        hypothesis: { kind: "add", count: 1 + (pick % 3), like: name },
        happen(cluster) {
          const added = likeNode(cluster.state, node, 1 + (pick % 3));
          cluster.append(added.map((one) => ({ type: "NodeRegistered", node: one })));
        },
      };
    case "submit": {
      const task = { command: ["new"] };
      const resources = { cpu: "900m", memory: "900MiB" };
      const workloadInput = {
        kind: "batch",
        name: "newcomer",
        count: 4,
        priority: 70,
        task,
        resources,
      };
      return {
        hypothesis: { kind: "submit", workloads: [workloadInput] },
        happen: (cluster) => command(cluster, "workload.apply", { workloads: [workloadInput] }),
      };
    }
    case "resize": {
      if (!workload || workload.stopped || workload.spec.kind === "system") return null;
      const { id, version } = workload;
      const count = 1 + (pick % 8);
      const cpuMillis = 100 * (1 + (pick % 20));
      const resources = { ...workload.spec.resources, cpuMillis };
      const spec = { ...workload.spec, count, resources };
      return {
        hypothesis: { kind: "resize", workload: id, count, cpuMillis },
        happen(cluster) {
          if (JSON.stringify(spec) === JSON.stringify(workload.spec)) return;
          cluster.append([{ type: "WorkloadApplied", workloadId: id, version: version + 1, spec }]);
        },
      };
    }
  }
}

function lossEvents({ state, nowUnixMs }: TestCluster, { id }: NodeRecord): ClusterEvent[] {
  const live = [...(state.nodes.get(id)?.live ?? [])];
  return [
    { type: "NodeStatusChanged", nodeId: id, status: "down", reason: "a test" },
    ...live.map((one) => lossOf(state, one, nowUnixMs)),
  ];
}

/** Which allocation of each index lives, on which node. */
function lodgings(state: ClusterState): Map<string, string> {
  const found = new Map<string, string>();
  for (const workload of state.workloads.values()) {
    for (const { index, live } of workload.slots.values()) {
      const allocation = live === null ? undefined : state.allocations.get(live);
      if (!allocation) continue;
      found.set(`${workload.id}[${index}]`, `${allocation.id} ${allocation.nodeName}`);
    }
  }
  return found;
}

function pendingOf({ workloads }: ClusterState): Map<string, unknown> {
  return new Map([...workloads.values()].map(({ id, pending }) => [id, pending]));
}

/** What really became of every index, in the words of an answer. */
function observed(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const changes: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const [was, is] = [before.get(key), after.get(key)];
    if (was !== is) changes.push(`${key} ${was?.split(" ")[1] ?? "-"} ${is?.split(" ")[1] ?? "-"}`);
  }
  return changes.sort();
}

function foretold({ changes }: WhatIf): string[] {
  return changes
    .map(({ workload, index, from, to }) => `${workload}[${index}] ${from ?? "-"} ${to ?? "-"}`)
    .sort();
}

test("what is foretold is what happens when it comes true, and asking changes nothing", () => {
  fc.assert(
    fc.property(scenario, kind, fc.nat(1_000), ({ nodes, actions }, what, pick) => {
      const cluster = buildCluster(nodes);
      for (const one of actions) act(cluster, one);
      const hash = stateHash(cluster.state);
      const real = twinOf(cluster).converge();
      const trial = trialOf(real.state, what, pick);
      if (!trial) return;
      const result = handleQuery(
        cluster.state,
        "cluster.whatif",
        api["cluster.whatif"].request.parse({ hypothesis: trial.hypothesis }),
        { nowUnixMs: cluster.nowUnixMs },
      );
      expect(stateHash(cluster.state)).toBe(hash);
      if (!result.ok) throw new Error(result.error.message);
      const before = lodgings(real.state);
      trial.happen(real);
      real.converge();
      expect(foretold(result.value)).toEqual(observed(before, lodgings(real.state)));
      const pending = pendingOf(real.state);
      for (const { workload, groups } of result.value.waiting) {
        expect(groups).toEqual(pending.get(workload));
      }
    }),
    { numRuns: 300 },
  );
});
