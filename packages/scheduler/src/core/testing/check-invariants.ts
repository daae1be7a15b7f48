import { dimensions, type NodeId, type PendingGroup, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { allocatable } from "../place/check-node.ts";
import { gpuDevices } from "../place/gpus.ts";
import { usableStorage } from "../place/storage.ts";
import {
  type ClusterState,
  isAvailable,
  isFinal,
  type NodeRecord,
  type WorkloadRecord,
} from "../state/cluster-state.ts";
import { grantableMillis } from "../state/grants.ts";
import { addGrant, type NodeUsage, unused, type UsageAccount } from "../state/node-usage.ts";
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
  const accounts = new Map<NodeId, { usage: UsageAccount; ports: number }>();
  for (const node of state.nodes.values()) accounts.set(node.id, { usage: unused(), ports: 0 });
  for (const { status, nodeId, granted, id } of state.allocations.values()) {
    if (isFinal(status)) continue;
    const account = accounts.get(nodeId);
    assert(account && state.nodes.get(nodeId)?.live.has(id), `${id} is live, unknown to its node`);
    account.ports += Object.keys(granted.ports).length;
    addGrant(account.usage, granted);
  }
  for (const node of state.nodes.values()) {
    const account = accounts.get(node.id);
    assert(account, "every node has an account");
    assert(account.ports === account.usage.ports.size, `a port of ${node.id} is granted twice`);
    assert(textOf(account.usage) === textOf(node.usage), `the usage of ${node.id} drifted`);
    checkUsage(node);
  }
}

function textOf(usage: NodeUsage): string {
  const sorted = (values: Iterable<unknown>) =>
    [...values].map((one) => JSON.stringify(one)).sort();
  const { ports, gpus, devices, zones, ...plain } = usage;
  return JSON.stringify([plain, ...[ports, gpus, devices, zones].map(sorted)]);
}

function checkUsage(node: NodeRecord): void {
  const { usage, description } = node;
  for (const dimension of dimensions) {
    const there = allocatable(node, dimension) ?? 0;
    const most =
      dimension === "cpuMillis"
        ? grantableMillis(node.cpuOvercommitPercent, there, usage.exclusiveMillis)
        : there;
    const granted = usage.granted[dimension];
    assert(granted <= most, `${dimension} of ${node.id}: ${granted} of ${most}`);
  }
  const devices = new Map(gpuDevices(node).map((gpu) => [gpu.uuid, gpu]));
  for (const [uuid, { shareMillis, memoryMiB }] of usage.gpus) {
    const gpu = devices.get(uuid);
    assert(gpu, `${node.id} grants a GPU it does not have`);
    assert(shareMillis <= WHOLE_GPU_MILLIS, `GPU ${uuid} of ${node.id} is granted twice`);
    const isWithin = memoryMiB === null || gpu.memoryMiB === null || memoryMiB <= gpu.memoryMiB;
    assert(isWithin, `memory of GPU ${uuid} of ${node.id} is granted twice`);
  }
  for (const [name, count] of usage.devices) {
    assert(count <= (description.devices?.[name] ?? 0), `${name} of ${node.id} is overgranted`);
  }
  const disks = usableStorage(node);
  for (const [at, diskMiB] of usage.storage.entries()) {
    assert(diskMiB <= (disks[at]?.diskMiB ?? 0), `disk ${at} of ${node.id} is overgranted`);
  }
  for (const [id, { cpuMillis, memoryMiB }] of usage.zones) {
    const zone = description.zones?.find((one) => one.id === id);
    const isWithin = zone && cpuMillis <= zone.cpuMillis && memoryMiB <= zone.memoryMiB;
    assert(isWithin, `zone ${id} of ${node.id} is overgranted`);
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
