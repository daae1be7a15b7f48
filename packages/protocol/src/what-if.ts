import { z } from "zod";
import { PendingGroup } from "./explanation.ts";
import { headroomDimensions } from "./headroom-dimensions.ts";
import { AllocationId, NodeId, WorkloadId } from "./ids.ts";
import { limits } from "./limits.ts";
import { ResourceRequest } from "./resources.ts";

/**
 * Questions about a cluster that is not there, answered from the state as it is by the code that
 * would do it. Nothing is changed.
 */

const Selectors = z.array(z.string().min(1)).min(1).max(limits.whatIfNodesMax);
const Amount = ResourceRequest.shape.cpuMillis;

/** What would be done, or happen. */
export const Hypothesis = z.discriminatedUnion("kind", [
  /** Drains nodes, by name or id, without a deadline. */
  z.object({ kind: z.literal("drain"), nodes: Selectors }),
  /** The nodes go down at once, and what runs there is lost: by name or id, … */
  z.object({ kind: z.literal("lose"), nodes: Selectors }),
  /** … or all that have the label. */
  z.object({
    kind: z.literal("lose.label"),
    label: z.string().min(1),
    value: z.string(),
  }),
  /** Idle nodes join that are what another one is. */
  z.object({
    kind: z.literal("add"),
    count: z.int().min(1).max(limits.whatIfNodesMax),
    like: z.string().min(1),
  }),
  /** Workloads are submitted, as people write them. */
  z.object({ kind: z.literal("submit"), workloads: z.array(z.json()).min(1) }),
  /** A workload asks for more or less; null leaves as it is. */
  z.object({
    kind: z.literal("resize"),
    workload: z.string().min(1),
    count: z.int().min(0).max(limits.workloadCountMax).nullable().default(null),
    cpuMillis: Amount.nullable().default(null),
    memoryMiB: Amount.nullable().default(null),
    diskMiB: Amount.nullable().default(null),
    networkMbps: Amount.nullable().default(null),
    gpus: z.int().min(0).max(limits.gpusPerAllocationMax).nullable().default(null),
  }),
]);
export type Hypothesis = z.infer<typeof Hypothesis>;
export type HypothesisInput = z.input<typeof Hypothesis>;

/**
 * One dimension of what is free on nodes that take work. Stranded is what of it the cluster's own
 * demand cannot use where it is: each common request leaves over what is no whole one of it, and the
 * requests weigh as much as they take of the dimension.
 */
export const DimensionRoom = z.object({
  dimension: z.enum(headroomDimensions),
  capacity: z.int(),
  free: z.int(),
  /** The most that is free on one node. */
  largest: z.int(),
  stranded: z.int(),
});
export type DimensionRoom = z.infer<typeof DimensionRoom>;

/** A request that much of the cluster's work makes, and how many more of it there is room for. */
export const RequestRoom = z.object({
  /** The largest workload that makes it. */
  workload: WorkloadId,
  resources: ResourceRequest,
  /** How many allocations the cluster is asked to run with it. */
  wanted: z.int(),
  /** How many more would fit, if nothing else came. */
  fits: z.int(),
});
export type RequestRoom = z.infer<typeof RequestRoom>;

export const Headroom = z.object({
  dimensions: z.array(DimensionRoom),
  /** Common requests, those that take most of the cluster first. */
  requests: z.array(RequestRoom),
});
export type Headroom = z.infer<typeof Headroom>;

/**
 * What becomes of one index. `moved`: to another node. `restarted`: on the node where it was.
 * `started`: it had no place. `ended`: it is not wanted any more. `displaced`: it had a place, and
 * finds none.
 */
export const IndexChange = z.object({
  change: z.enum(["moved", "restarted", "started", "ended", "displaced"]),
  workload: WorkloadId,
  index: z.int(),
  /** The allocation that ends; null when it has none now. */
  allocation: AllocationId.nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
});
export type IndexChange = z.infer<typeof IndexChange>;

export const ChangeCounts = z.object({
  moved: z.int(),
  restarted: z.int(),
  started: z.int(),
  ended: z.int(),
  displaced: z.int(),
});
export type ChangeCounts = z.infer<typeof ChangeCounts>;

/** More of a workload waits than before, or for another reason. */
export const WaitingWorkload = z.object({
  workload: WorkloadId,
  before: z.int(),
  waiting: z.int(),
  groups: z.array(PendingGroup),
});
export type WaitingWorkload = z.infer<typeof WaitingWorkload>;

/** Compared is where the cluster comes to rest by itself with where it would. */
export const WhatIf = z.object({
  /** The sequence of the log that the answer starts from. */
  seq: z.int(),
  /** The first of them; `counts` counts all. */
  changes: z.array(IndexChange),
  counts: ChangeCounts,
  /** The first of those that cannot be placed, and why; `waitingWorkloads` counts all. */
  waiting: z.array(WaitingWorkload),
  waitingWorkloads: z.int(),
  before: Headroom,
  after: Headroom,
  /** Passes of the scheduler until nothing moved any more. */
  passes: z.int(),
  tookMs: z.number(),
});
export type WhatIf = z.infer<typeof WhatIf>;

/** What moving something frees, or costs where it is negative: stranded amounts before less after. */
export const Recovered = z.object({
  gpuMillis: z.int(),
  cpuMillis: z.int(),
  memoryMiB: z.int(),
  diskMiB: z.int(),
  networkMbps: z.int(),
});
export type Recovered = z.infer<typeof Recovered>;

export const RebalanceMove = z.object({
  allocation: AllocationId,
  workload: WorkloadId,
  index: z.int(),
  from: z.string(),
  fromId: NodeId,
  to: z.string(),
  toId: NodeId,
  recovered: Recovered,
  /** What it does for the sum of all dimensions, in billionths of the cluster; they add up. */
  gain: z.int(),
});
export type RebalanceMove = z.infer<typeof RebalanceMove>;

/** Moves, in the order in which they are to be made. */
export const RebalancePlan = z.object({
  seq: z.int(),
  moves: z.array(RebalanceMove),
  before: Headroom,
  after: Headroom,
  /** Stranded in all dimensions together, in billionths of the cluster. */
  stranded: z.object({ before: z.int(), after: z.int() }),
  /** For whom room is made; null where it is for nobody in particular. */
  room: z
    .object({
      workload: WorkloadId,
      /** Of its indexes that wait for room, how many would have it. */
      waiting: z.int(),
      placeable: z.int(),
      /** Why the others would still wait. */
      groups: z.array(PendingGroup),
    })
    .nullable(),
  /** Live allocations that may be moved at all. */
  movable: z.int(),
  tookMs: z.number(),
});
export type RebalancePlan = z.infer<typeof RebalancePlan>;
