import { limits, type LogEntry, type WorkloadId, type WorkloadSpec } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEntry } from "../state/apply-entry.ts";
import { createState, isFinal, isOpen, type NodeRecord } from "../state/cluster-state.ts";
import { stateHash } from "../state/state-hash.ts";
import { checkInvariants } from "../testing/check-invariants.ts";
import { act, buildCluster, scenario } from "../../../test/scenario.ts";
import { running, type TestCluster } from "../testing/test-cluster.ts";
import { nextWakeUnixMs } from "./wake.ts";

/**
 * After every entry the invariants hold; whenever the scheduler comes to rest, it was right to.
 */
/** The plain rule, written again: may this node take one more? */
function couldTake(cluster: TestCluster, node: NodeRecord, spec: WorkloadSpec): boolean {
  if (!isOpen(node)) return false;
  const rack = node.description.labels["rack"];
  const [constraint] = spec.constraints;
  if (constraint === "node.labels.rack == a" && rack !== "a") return false;
  if (constraint === "not (node.labels.rack == a)" && rack === "a") return false;
  const live = [...cluster.state.allocations.values()].filter(
    (a) => a.nodeId === node.id && !isFinal(a.status),
  );
  const { capacity, reserved, hardware, portRange } = node.description;
  for (const dimension of ["cpuMillis", "memoryMiB", "diskMiB", "networkMbps"] as const) {
    const there = capacity[dimension];
    const used = live.reduce((sum, a) => sum + a.granted[dimension], 0);
    const asked = spec.resources[dimension];
    if (asked > 0 && (there === null || used + asked > there - (reserved[dimension] ?? 0)))
      return false;
  }
  const request = spec.resources.gpu;
  if (request) {
    const held = new Set(live.flatMap((a) => a.granted.gpuUuids));
    const free = hardware.gpus.filter(
      (device) =>
        !held.has(device.uuid) &&
        (request.memoryMiB === 0 || (device.memoryMiB ?? -1) >= request.memoryMiB) &&
        (request.models.length === 0 ||
          request.models.some((m) => device.model.toLowerCase().includes(m.toLowerCase()))),
    );
    const ofOneModel = (model: string) => free.filter((device) => device.model === model).length;
    if (!free.some(({ model }) => ofOneModel(model) >= request.count)) return false;
  }
  const taken = new Set(live.flatMap((a) => Object.values(a.granted.ports)));
  const wanted = Object.values(spec.ports);
  if (wanted.some((port) => port.static !== null && taken.has(port.static))) return false;
  let free = 0;
  for (let port = portRange.from; port <= portRange.to; port += 1) if (!taken.has(port)) free += 1;
  return free >= wanted.filter((port) => port.static === null).length;
}

/** What is said to fit nowhere truly fits nowhere; the numbers are those of now. */
function checkAtRest(cluster: TestCluster): void {
  const { state } = cluster;
  for (const workload of state.workloads.values()) {
    for (const { explanation, indexes } of workload.pending) {
      expect(explanation.reason).not.toBe("queued");
      if (explanation.reason !== "no_fit") continue;
      const nodes = [...state.nodes.values()].filter(
        (one) =>
          workload.spec.kind !== "system" ||
          indexes.some(([a, b]) => a <= one.number && one.number <= b),
      );
      expect(explanation.nodesTotal).toBe(nodes.length);
      for (const one of nodes) expect(couldTake(cluster, one, workload.spec)).toBe(false);
      expect(explanation.nearest.length).toBe(Math.min(nodes.length, limits.nearestFitsMax));
    }
  }
  const wakeUnixMs = nextWakeUnixMs(state);
  expect(wakeUnixMs === null || wakeUnixMs > cluster.nowUnixMs).toBe(true);
}

function fitsNowhere({ state }: TestCluster, id: WorkloadId): boolean {
  const pending = state.workloads.get(id)?.pending ?? [];
  return pending.some(({ explanation }) => explanation.reason === "no_fit");
}

/** Every node is back and takes placements; nothing fails any more, and time passes. */
function heal(cluster: TestCluster): void {
  for (const { id, description, live } of cluster.state.nodes.values()) {
    const reports = [...live].flatMap((allocationId) => {
      const allocation = cluster.state.allocations.get(allocationId);
      return allocation && allocation.status !== "placed" ? [running(allocation)] : [];
    });
    cluster.hello(description, reports);
    cluster.command("node.uncordon", { node: id });
  }
  for (let waits = 0; waits < 1_000; waits += 1) {
    cluster.converge();
    const wakeUnixMs = nextWakeUnixMs(cluster.state);
    if (wakeUnixMs === null) return;
    cluster.nowUnixMs = wakeUnixMs;
  }
}

function replay(log: readonly LogEntry[]): string {
  const state = createState();
  for (const [i, one] of log.entries()) applyEntry(state, i + 1, one);
  return stateHash(state);
}

describe("evaluation, whatever happens", () => {
  test("[INV1] [INV2] [INV4] [INV8] grants nothing twice, lives once per index, explains every wait, and comes to rest", () => {
    fc.assert(
      fc.property(scenario, ({ nodes, actions }) => {
        const cluster = buildCluster(nodes);
        const { append } = cluster;
        cluster.append = (events) => {
          const changes = append.call(cluster, events);
          checkInvariants(cluster.state);
          return changes;
        };
        for (const one of actions) {
          act(cluster, one);
          cluster.settle();
          checkAtRest(cluster);
        }
        cluster.converge();
        checkAtRest(cluster);
        expect(replay(cluster.log)).toBe(stateHash(cluster.state));
      }),
      { numRuns: 200 },
    );
  });

  test("[INV10] when faults heal, everything runs but what fits nowhere", () => {
    fc.assert(
      fc.property(scenario, ({ nodes, actions }) => {
        const cluster = buildCluster(nodes);
        for (const one of actions) {
          act(cluster, one);
          cluster.settle();
        }
        heal(cluster);
        checkAtRest(cluster);
        for (const { pending } of cluster.state.workloads.values()) {
          const reasons = new Set(pending.map(({ explanation }) => explanation.reason));
          // Room is kept for work that is ahead and fits nowhere yet.
          const isBehind = pending.every(
            ({ explanation }) =>
              explanation.reason !== "behind" || fitsNowhere(cluster, explanation.workload),
          );
          if (isBehind) reasons.delete("behind");
          // An update whose first replacement fits nowhere leaves the rest as it was.
          if (reasons.has("no_fit")) reasons.delete("update");
          expect([...reasons].filter((reason) => reason !== "no_fit")).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });
});
