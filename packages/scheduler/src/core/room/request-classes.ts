import {
  headroomDimensions,
  limits,
  type ResourceRequest,
  WHOLE_GPU_MILLIS,
  type WorkloadId,
} from "@berth/protocol";
import { firstLack } from "../place/check-node.ts";
import { type PlacementRequest, placementRequest } from "../place/placement-request.ts";
import { tasksWanted } from "../price/demand.ts";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { ClusterState, NodeRecord, WorkloadRecord } from "../state/cluster-state.ts";
import { type NodeUsage, unused } from "../state/node-usage.ts";

/** A request that several workloads make alike, as far as it says which nodes have room for it. */
export interface RequestClass {
  /** Without ports and without rules about what else runs where. */
  readonly request: PlacementRequest;
  readonly resources: ResourceRequest;
  /** The workload that asks for most of them. */
  readonly workload: WorkloadId;
  /** Allocations that the cluster is asked to run with it. */
  readonly wanted: number;
  /** What each takes, by position in `headroomDimensions`. */
  readonly amounts: readonly number[];
}

/**
 * The cluster's own demand: the requests that take most of it, each by its largest share of any
 * dimension, at most `limits.requestClassesMax`. `capacity` is by position in `headroomDimensions`.
 * What no node could take even if it were idle is no measure of room.
 */
export function commonRequests(
  { workloads, nodes }: ClusterState,
  capacity: readonly number[],
): RequestClass[] {
  const classes = new Map<string, { wanted: number; largest: WorkloadRecord; most: number }>();
  for (const workload of workloads.values()) {
    const wanted = tasksWanted(workload);
    if (wanted === 0) continue;
    const key = keyOf(workload);
    const known = classes.get(key);
    if (!known) classes.set(key, { wanted, largest: workload, most: wanted });
    else {
      known.wanted += wanted;
      if (wanted <= known.most) continue;
      known.largest = workload;
      known.most = wanted;
    }
  }
  const ranked = [...classes.values()]
    .map(({ wanted, largest }) => classOf(largest, wanted))
    .map((one) => ({ one, share: shareOf(one, capacity) }))
    .sort((a, b) => b.share - a.share || byCodeUnit(a.one.workload, b.one.workload));
  const common: RequestClass[] = [];
  for (const { one } of ranked) {
    if (common.length === limits.requestClassesMax) break;
    if (canEverFit(one, nodes.values())) common.push(one);
  }
  return common;
}

const IDLE: NodeUsage = unused();

function canEverFit({ request }: RequestClass, nodes: Iterable<NodeRecord>): boolean {
  for (const node of nodes) if (firstLack(request, node, IDLE) === null) return true;
  return false;
}

/** Specs come out of one schema, so that equal ones are written alike. */
function keyOf({ spec }: WorkloadRecord): string {
  const { resources, constraints, placement = {}, task } = spec;
  return JSON.stringify([
    resources,
    constraints,
    placement.pool,
    placement.tolerations,
    task.driver,
  ]);
}

function classOf({ id, spec }: WorkloadRecord, wanted: number): RequestClass {
  const request: PlacementRequest = {
    ...placementRequest(spec),
    staticPorts: [],
    dynamicPorts: [],
    affinities: [],
    spread: [],
    distinct: [],
    colocate: [],
    locality: {},
  };
  const { resources } = spec;
  const amounts = headroomDimensions.map((dimension) =>
    dimension === "gpuMillis" ? gpuMillisOf(resources) : resources[dimension],
  );
  return { request, resources, workload: id, wanted, amounts };
}

function gpuMillisOf({ gpu }: ResourceRequest): number {
  return gpu === null ? 0 : gpu.count * (gpu.shareMillis ?? WHOLE_GPU_MILLIS);
}

function shareOf({ wanted, amounts }: RequestClass, capacity: readonly number[]): number {
  return Math.max(
    ...amounts.map((amount, at) => (wanted * amount) / Math.max(1, capacity[at] ?? 0)),
  );
}
