import { dimensions, type PendingGroup } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { allocatable } from "../place/check-node.ts";
import {
  type ClusterState,
  isAvailable,
  isFinal,
  type WorkloadRecord,
} from "../state/cluster-state.ts";
import { eachIndex } from "../state/index-ranges.ts";

/** Checks what must hold after every entry; numbers are those of the design's invariants. */
export function checkInvariants(state: ClusterState): void {
  checkGrants(state);
  checkLiveOnce(state);
  for (const workload of state.workloads.values()) {
    checkCounts(state, workload);
    checkExplained(workload);
  }
}

/** 1: nothing is granted more than it has, nor twice. */
function checkGrants(state: ClusterState): void {
  for (const node of state.nodes.values()) {
    const granted = { cpuMillis: 0, memoryMiB: 0, diskMiB: 0, networkMbps: 0 };
    const ports: number[] = [];
    const gpus: string[] = [];
    for (const allocation of state.allocations.values()) {
      if (allocation.nodeId !== node.id || isFinal(allocation.status)) continue;
      for (const dimension of dimensions) granted[dimension] += allocation.granted[dimension];
      ports.push(...Object.values(allocation.granted.ports));
      gpus.push(...allocation.granted.gpuUuids);
      assert(node.live.has(allocation.id), `${allocation.id} is live and ${node.id} does not know`);
    }
    for (const dimension of dimensions) {
      assert(granted[dimension] === node.granted[dimension], `${dimension} of ${node.id} drifted`);
      const there = allocatable(node, dimension) ?? 0;
      assert(
        granted[dimension] <= there,
        `${dimension} of ${node.id}: ${granted[dimension]} of ${there}`,
      );
    }
    assert(new Set(ports).size === ports.length, `a port of ${node.id} is granted twice`);
    assert(new Set(gpus).size === gpus.length, `a GPU of ${node.id} is granted twice`);
    const known = new Set(node.description.hardware.gpus.map(({ uuid }) => uuid));
    assert(
      gpus.every((uuid) => known.has(uuid)),
      `${node.id} grants a GPU it does not have`,
    );
    assert(
      node.portsInUse.size === ports.length && node.gpusInUse.size === gpus.length,
      "index drifted",
    );
  }
}

/** 2: at most one live allocation per index. */
function checkLiveOnce(state: ClusterState): void {
  const seen = new Set<string>();
  for (const allocation of state.allocations.values()) {
    if (isFinal(allocation.status)) continue;
    const key = `${allocation.workloadId}[${allocation.index}]`;
    assert(!seen.has(key), `${key} lives twice`);
    seen.add(key);
    const slot = state.workloads.get(allocation.workloadId)?.slots.get(allocation.index);
    assert(slot?.live === allocation.id, `${key} does not know ${allocation.id}`);
  }
}

function checkCounts(state: ClusterState, workload: WorkloadRecord): void {
  const counts = { placed: 0, running: 0, healthy: 0, stopping: 0, complete: 0, failed: 0 };
  for (const slot of workload.slots.values()) {
    const live = slot.live === null ? undefined : state.allocations.get(slot.live);
    if (live?.status === "placed" || live?.status === "running" || live?.status === "stopping") {
      counts[live.status] += 1;
      if (isAvailable(live)) counts.healthy += 1;
    }
    const isCounted = workload.spec.kind === "system" || slot.index < workload.spec.count;
    if (slot.done && isCounted) counts[slot.done] += 1;
  }
  const expected = JSON.stringify(counts);
  assert(expected === JSON.stringify(workload.counts), `${workload.id}: counts ${expected}`);
}

/** 8: every index without a live allocation is explained, once; numbers add up. */
function checkExplained(workload: WorkloadRecord): void {
  const explained = new Set<number>();
  for (const group of workload.pending) {
    checkGroup(group);
    for (const index of eachIndex(group.indexes)) {
      assert(!explained.has(index), `${workload.id}[${index}] is explained twice`);
      explained.add(index);
    }
  }
  if (workload.stopped) assert(explained.size === 0, `${workload.id} is stopped and waits`);
  else if (workload.spec.kind !== "system") {
    for (let index = 0; index < workload.spec.count; index += 1) {
      const slot = workload.slots.get(index);
      const waits = !slot || (slot.live === null && slot.done === null);
      assert(!waits || explained.has(index), `${workload.id}[${index}] waits unexplained`);
    }
  }
}

function checkGroup({ count, indexes, explanation }: PendingGroup): void {
  assert(count > 0 && [...eachIndex(indexes)].length === count, "a group's count is wrong");
  if (explanation.reason !== "no_fit") return;
  const rejected = explanation.rejections.reduce((sum, { nodes }) => sum + nodes, 0);
  assert(
    rejected === explanation.nodesTotal,
    `${rejected} of ${explanation.nodesTotal} nodes explained`,
  );
}
