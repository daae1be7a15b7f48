import { z } from "zod";
import { Exit, Health } from "./allocation.ts";
import { Drain, NodeStatus, Outcome, StopReason } from "./events.ts";
import { PendingGroup, PlacementExplanation } from "./explanation.ts";
import { AllocationId, ClusterId, NodeId, ProjectName, WorkloadId, WorkloadName } from "./ids.ts";
import { NodeDescription } from "./inventory.ts";
import { Grant, ResourceAmounts, ResourceCapacity } from "./resources.ts";
import { WorkloadSpec } from "./workload-spec.ts";

/** What readers of the cluster see: the shapes of `--json`, of the HTTP API and of the console. */

/**
 * `placed`: bound to a node that has not confirmed it. `stopping`: asked to stop, not ended yet.
 * The last four are final.
 */
export const AllocationStatus = z.enum([
  "placed",
  "running",
  "stopping",
  "complete",
  "failed",
  "stopped",
  "lost",
]);
export type AllocationStatus = z.infer<typeof AllocationStatus>;

export const AllocationView = z.object({
  id: AllocationId,
  workload: WorkloadId,
  workloadVersion: z.int(),
  index: z.int(),
  attempt: z.int(),
  node: NodeId,
  nodeName: z.string(),
  status: AllocationStatus,
  health: Health,
  granted: Grant,
  stopReason: StopReason.nullable(),
  outcome: Outcome.nullable(),
  exit: Exit.nullable(),
  message: z.string().nullable(),
  pid: z.int().nullable(),
  placedAtUnixMs: z.number(),
  startedAtUnixMs: z.number().nullable(),
  finishedAtUnixMs: z.number().nullable(),
});
export type AllocationView = z.infer<typeof AllocationView>;

export const NodeView = z.object({
  id: NodeId,
  number: z.int(),
  name: z.string(),
  status: NodeStatus,
  statusReason: z.string(),
  statusSinceUnixMs: z.number(),
  eligibility: z.enum(["eligible", "cordoned"]),
  drain: Drain.nullable(),
  labels: z.record(z.string(), z.string()),
  capacity: ResourceCapacity,
  reserved: ResourceCapacity,
  granted: ResourceAmounts,
  gpus: z.object({ total: z.int(), granted: z.int() }),
  allocations: z.int(),
  generation: z.int(),
  bootId: z.string(),
  agentVersion: z.string(),
});
export type NodeView = z.infer<typeof NodeView>;

/**
 * `pending`: nothing runs yet. `progressing`: some of it waits or is not healthy yet.
 * `running`: all of it runs and is healthy. `degraded`: something failed and nothing better is on
 * its way. `complete`/`failed`: a batch that ended. `stopping`/`stopped`: by request.
 */
export const WorkloadStatus = z.enum([
  "pending",
  "progressing",
  "running",
  "degraded",
  "complete",
  "failed",
  "stopping",
  "stopped",
]);
export type WorkloadStatus = z.infer<typeof WorkloadStatus>;

export const WorkloadView = z.object({
  id: WorkloadId,
  project: ProjectName,
  name: WorkloadName,
  kind: z.enum(["service", "batch", "system"]),
  version: z.int(),
  status: WorkloadStatus,
  desired: z.int(),
  running: z.int(),
  healthy: z.int(),
  pending: z.int(),
  complete: z.int(),
  failed: z.int(),
  /** One sentence: the worst thing a person should know, null when all is well. */
  reason: z.string().nullable(),
  submittedAtUnixMs: z.number(),
  updatedAtUnixMs: z.number(),
});
export type WorkloadView = z.infer<typeof WorkloadView>;

export const WorkloadDetail = WorkloadView.extend({
  spec: WorkloadSpec,
  pendingGroups: z.array(PendingGroup),
  allocations: z.array(AllocationView),
});
export type WorkloadDetail = z.infer<typeof WorkloadDetail>;

export const NodeDetail = NodeView.extend({
  description: NodeDescription,
  allocationList: z.array(AllocationView),
});
export type NodeDetail = z.infer<typeof NodeDetail>;

export const ClusterStatus = z.object({
  clusterId: ClusterId,
  version: z.string(),
  /** A leader is accepting writes and every append so far is acknowledged. */
  ready: z.boolean(),
  leader: z.string(),
  term: z.int(),
  /** The log sequence this answer reflects. */
  seq: z.int(),
  nodes: z.object({
    total: z.int(),
    ready: z.int(),
    suspect: z.int(),
    down: z.int(),
    cordoned: z.int(),
  }),
  workloads: z.int(),
  allocations: z.object({
    placed: z.int(),
    running: z.int(),
    stopping: z.int(),
    pending: z.int(),
    finished: z.int(),
  }),
  capacity: ResourceCapacity,
  granted: ResourceAmounts,
  gpus: z.object({ total: z.int(), granted: z.int() }),
});
export type ClusterStatus = z.infer<typeof ClusterStatus>;

/** An event as people read it: stable type, subject ids, one sentence. */
export const EventView = z.object({
  seq: z.int(),
  /** Position within its entry: (seq, position) orders and names an event. */
  position: z.int(),
  atUnixMs: z.number(),
  type: z.string(),
  node: NodeId.nullable(),
  workload: WorkloadId.nullable(),
  allocation: AllocationId.nullable(),
  message: z.string(),
});
export type EventView = z.infer<typeof EventView>;

export const Why = z.object({
  workload: WorkloadView,
  nodesTotal: z.int(),
  pending: z.array(PendingGroup),
  placed: z.array(z.object({ allocation: AllocationView, why: PlacementExplanation.nullable() })),
});
export type Why = z.infer<typeof Why>;
