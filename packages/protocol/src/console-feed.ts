import { z } from "zod";
import { AllocationUsage } from "./allocation.ts";
import { AgentUsage } from "./agent-messages.ts";
import { AllocationId, NodeId, WorkloadId } from "./ids.ts";
import { AllocationView, ClusterStatus, EventView, NodeView, WorkloadView } from "./views.ts";

/**
 * What the console's gateway and its pages say to each other over one WebSocket.
 *
 *     page → gateway    hello, then ack after each pulse
 *     gateway → page    snapshot, then deltas in order; telemetry and pulses between them
 *
 * State is lossless: deltas form a chain by (`previousSeq`, `seq`), both positions in the log.
 * Telemetry is latest-wins and may be dropped. An `epoch` names one fold of one log: sequences of
 * different epochs are not comparable, and a page that is in another one starts over.
 */
/**
 * How good what the gateway says is right now. `catching_up`: it reads the log's history.
 * `disconnected`: it has lost the message bus. `leader_silent`: no leader answers, so nothing new
 * is decided. `behind`: the leader has moved on and its entries do not arrive here.
 */
export const UpstreamStatus = z.enum([
  "live",
  "catching_up",
  "disconnected",
  "leader_silent",
  "behind",
]);
export type UpstreamStatus = z.infer<typeof UpstreamStatus>;

export const Upstream = z.object({
  status: UpstreamStatus,
  /** For how long it has been so. */
  sinceMs: z.number().min(0),
});
export type Upstream = z.infer<typeof Upstream>;

/** The newest of what one agent says about itself; ages are the gateway's, so clocks need not agree. */
export const NodeTelemetry = z.object({
  nodeId: NodeId,
  /** Since the last beat; null when none was ever heard. */
  beatAgeMs: z.number().min(0).nullable(),
  /** Since the last usage; null when none was ever heard, and then so is all of `host`. */
  usageAgeMs: z.number().min(0).nullable(),
  host: AgentUsage.shape.host.nullable(),
  allocations: z.array(AllocationUsage),
});
export type NodeTelemetry = z.infer<typeof NodeTelemetry>;

export const FeedSnapshot = z.object({
  type: z.literal("snapshot"),
  epoch: z.string(),
  seq: z.int().min(0),
  /** When the leader decided the entry at `seq`. */
  atUnixMs: z.number(),
  cluster: ClusterStatus,
  nodes: z.array(NodeView),
  workloads: z.array(WorkloadView),
  allocations: z.array(AllocationView),
  events: z.array(EventView),
});
export type FeedSnapshot = z.infer<typeof FeedSnapshot>;

/** Everything that changed after `previousSeq` up to and including `seq`, as it is at `seq`. */
export const FeedDelta = z.object({
  type: z.literal("delta"),
  epoch: z.string(),
  previousSeq: z.int().min(0),
  seq: z.int().min(1),
  atUnixMs: z.number(),
  cluster: ClusterStatus,
  nodes: z.array(NodeView),
  workloads: z.array(WorkloadView),
  allocations: z.array(AllocationView),
  removed: z.object({
    nodes: z.array(NodeId),
    workloads: z.array(WorkloadId),
    allocations: z.array(AllocationId),
  }),
  events: z.array(EventView),
});
export type FeedDelta = z.infer<typeof FeedDelta>;

/** Of the nodes that said something new; of all nodes where `complete`. */
export const FeedTelemetry = z.object({
  type: z.literal("telemetry"),
  complete: z.boolean(),
  nodes: z.array(NodeTelemetry),
});
export type FeedTelemetry = z.infer<typeof FeedTelemetry>;

/** Each second, whatever else happens: a page that misses them knows that the line is dead. */
export const FeedPulse = z.object({
  type: z.literal("pulse"),
  epoch: z.string().nullable(),
  /** The newest state there is; a page behind it has deltas on their way. */
  seq: z.int().min(0),
  upstream: Upstream,
});
export type FeedPulse = z.infer<typeof FeedPulse>;

export const FeedFrame = z.discriminatedUnion("type", [
  FeedSnapshot,
  FeedDelta,
  FeedTelemetry,
  FeedPulse,
]);
export type FeedFrame = z.infer<typeof FeedFrame>;

/**
 * The first message of a page: what it holds already, or nothing. Where the gateway can, it goes
 * on from there; else it sends a snapshot, which replaces everything.
 */
export const FeedHello = z.strictObject({
  type: z.literal("hello"),
  v: z.int(),
  have: z.strictObject({ epoch: z.string().max(64), seq: z.int().min(0) }).nullable(),
});
export type FeedHello = z.infer<typeof FeedHello>;

/** What the page has applied: its answer to each pulse, and so its sign of life. */
export const FeedAck = z.strictObject({ type: z.literal("ack"), seq: z.int().min(0) });
export type FeedAck = z.infer<typeof FeedAck>;

export const FeedRequest = z.discriminatedUnion("type", [FeedHello, FeedAck]);
export type FeedRequest = z.infer<typeof FeedRequest>;
