import { z } from "zod";
import { Exit, Health } from "./allocation.ts";
import { PendingGroup, PlacementExplanation } from "./explanation.ts";
import { AllocationId, ClusterId, NodeId, ProjectName, RequestId, WorkloadId } from "./ids.ts";
import { NodeDescription } from "./inventory.ts";
import { Pool, Project, Reservation } from "./project.ts";
import { Grant } from "./resources.ts";
import { WorkloadSpec } from "./workload-spec.ts";

/**
 * The events of the log. The cluster's durable state is the fold of these and of nothing else.
 * Events carry what happened, in the past tense, with every input the fold needs: no event makes
 * the fold read a clock or draw a number.
 */
export const LOG_VERSION = 2;

/** Every version this one reads. Version 2 added projects, pools, reservations and words for them. */
export const logVersions = [1, LOG_VERSION] as const;

export const NodeStatus = z.enum(["ready", "suspect", "down"]);
export type NodeStatus = z.infer<typeof NodeStatus>;

export const Drain = z.object({
  startedAtUnixMs: z.number(),
  /** After this, what still runs is stopped without regard to `maxUnavailable`; null means never. */
  deadlineAtUnixMs: z.number().nullable(),
  ignoreSystem: z.boolean(),
});
export type Drain = z.infer<typeof Drain>;

export const StopReason = z.enum([
  "workload.stopped",
  "workload.updated",
  "workload.scaled",
  "node.drained",
  "node.unmatched", // a system workload whose constraints the node no longer meets
  "unhealthy",
  "restart.requested",
  "preempted", // more important work needs its room
  "reclaimed", // the project that was guaranteed its room wants it back
  "rebalanced", // it is to run on another node
  "gang", // another member of its gang has ended, so it starts again with all of them
  "time.limit", // it has run as long as it may
]);
export type StopReason = z.infer<typeof StopReason>;

export const Outcome = z.enum(["complete", "failed", "stopped", "lost"]);
export type Outcome = z.infer<typeof Outcome>;

const LeaderStarted = z.object({
  type: z.literal("LeaderStarted"),
  clusterId: ClusterId,
  term: z.int().min(1),
  /** Names the process for people: host name and pid. */
  leader: z.string(),
  version: z.string(),
});
const NodeRegistered = z.object({ type: z.literal("NodeRegistered"), node: NodeDescription });
const NodeStatusChanged = z.object({
  type: z.literal("NodeStatusChanged"),
  nodeId: NodeId,
  status: NodeStatus,
  reason: z.string(),
});
const NodeEligibilityChanged = z.object({
  type: z.literal("NodeEligibilityChanged"),
  nodeId: NodeId,
  eligibility: z.enum(["eligible", "cordoned"]),
  drain: Drain.nullable(),
  reason: z.string().nullable(),
});
const NodeRemoved = z.object({ type: z.literal("NodeRemoved"), nodeId: NodeId });

const WorkloadApplied = z.object({
  type: z.literal("WorkloadApplied"),
  workloadId: WorkloadId,
  version: z.int().min(1),
  spec: WorkloadSpec,
});
const WorkloadStopped = z.object({
  type: z.literal("WorkloadStopped"),
  workloadId: WorkloadId,
  /** Forget it too, once all of it has ended. */
  remove: z.boolean().default(false),
});
const WorkloadRemoved = z.object({ type: z.literal("WorkloadRemoved"), workloadId: WorkloadId });
/** What still waits after an evaluation, and why. Appended only when it differs from before. */
const WorkloadEvaluated = z.object({
  type: z.literal("WorkloadEvaluated"),
  workloadId: WorkloadId,
  pending: z.array(PendingGroup),
});

const AllocationPlaced = z.object({
  type: z.literal("AllocationPlaced"),
  allocationId: AllocationId,
  workloadId: WorkloadId,
  workloadVersion: z.int().min(1),
  index: z.int().min(0),
  /** 1 for the first allocation of this index and version, one more for each replacement. */
  attempt: z.int().min(1),
  nodeId: NodeId,
  granted: Grant,
  why: PlacementExplanation,
});
const AllocationStopRequested = z.object({
  type: z.literal("AllocationStopRequested"),
  allocationId: AllocationId,
  reason: StopReason,
  /** For whom its room is wanted: nobody else gets it once it has ended. */
  onBehalfOf: WorkloadId.optional(),
  /** Where its index goes next if there is room then; else it is placed like any other. */
  moveTo: NodeId.optional(),
});
/** The agent saw it start, or saw its health change. */
const AllocationRunning = z.object({
  type: z.literal("AllocationRunning"),
  allocationId: AllocationId,
  startedAtUnixMs: z.number(),
  pid: z.int().nullable(),
  health: Health,
  message: z.string().nullable(),
});
/** It ended, or its node is down. Only now is what it held free again. */
const AllocationFinished = z.object({
  type: z.literal("AllocationFinished"),
  allocationId: AllocationId,
  outcome: Outcome,
  exit: Exit.nullable(),
  startedAtUnixMs: z.number().nullable(),
  finishedAtUnixMs: z.number(),
  message: z.string().nullable(),
});
const AllocationsForgotten = z.object({
  type: z.literal("AllocationsForgotten"),
  allocationIds: z.array(AllocationId).min(1),
});

const ProjectConfigured = z.object({ type: z.literal("ProjectConfigured"), project: Project });
const ProjectRemoved = z.object({ type: z.literal("ProjectRemoved"), name: ProjectName });
const PoolConfigured = z.object({ type: z.literal("PoolConfigured"), pool: Pool });
const ReservationMade = z.object({ type: z.literal("ReservationMade"), reservation: Reservation });
const ReservationRemoved = z.object({ type: z.literal("ReservationRemoved"), id: z.string() });

/** The answer to a write, kept so that repeating the request returns the same one. */
const RequestAnswered = z.object({
  type: z.literal("RequestAnswered"),
  requestId: RequestId,
  method: z.string(),
  reply: z.json(),
});

export const ClusterEvent = z.discriminatedUnion("type", [
  LeaderStarted,
  NodeRegistered,
  NodeStatusChanged,
  NodeEligibilityChanged,
  NodeRemoved,
  WorkloadApplied,
  WorkloadStopped,
  WorkloadRemoved,
  WorkloadEvaluated,
  AllocationPlaced,
  AllocationStopRequested,
  AllocationRunning,
  AllocationFinished,
  AllocationsForgotten,
  ProjectConfigured,
  ProjectRemoved,
  PoolConfigured,
  ReservationMade,
  ReservationRemoved,
  RequestAnswered,
]);
export type ClusterEvent = z.infer<typeof ClusterEvent>;
export type ClusterEventType = ClusterEvent["type"];
export type EventOf<T extends ClusterEventType> = Extract<ClusterEvent, { type: T }>;

/**
 * One message of the log: events that became true together. `previous` is the hash of the entry
 * before (see `hashEntry` in the runtime), so a replica notices at once if history is rewritten.
 */
export const LogEntry = z.object({
  v: z.literal(logVersions),
  term: z.int().min(1),
  /** When the leader decided it, by its own clock. Display and deadlines only; order is `seq`. */
  atUnixMs: z.number(),
  previous: z.string(),
  events: z.array(ClusterEvent).min(1),
});
export type LogEntry = z.infer<typeof LogEntry>;
