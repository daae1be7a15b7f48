import { z } from "zod";
import { AllocationReport, AllocationUsage, DesiredAllocation } from "./allocation.ts";
import type { WireError } from "./errors.ts";
import { AllocationId, ClusterId, NodeId } from "./ids.ts";
import { NodeDescription } from "./inventory.ts";
import { limits } from "./limits.ts";
import { utf8Length } from "./utf8-length.ts";

/**
 * What agents and the leader say to each other. Desired state is pulled in pages at one
 * (term, generation) and pushed only as a hint, so a lost message costs a beat, never the truth.
 */
export const MESSAGE_VERSION = 1;
const Envelope = z.object({ v: z.literal(MESSAGE_VERSION), nodeId: NodeId });

/** (term, generation): compared in that order; an agent refuses anything older than it has. */
export const Fence = z.object({ term: z.int().min(0), generation: z.int().min(0) });
export type Fence = z.infer<typeof Fence>;

/** Request `berth.agent.<node>.hello`: on every connect, and when the description changes. */
export const AgentHello = Envelope.extend({
  description: NodeDescription.refine(
    ({ labels }) => Object.keys(labels).length <= limits.labelsPerNodeMax,
    `more than ${limits.labelsPerNodeMax} labels`,
  ).refine(
    (description) => utf8Length(JSON.stringify(description)) <= limits.nodeDescriptionBytesMax,
    `larger than ${limits.nodeDescriptionBytesMax} bytes`,
  ),
  /** The cluster this agent has joined; null on its first start. */
  clusterId: ClusterId.nullable(),
  applied: Fence.nullable(),
  /** Everything it has on disk, finished-but-unacknowledged included. */
  allocations: z.array(AllocationReport),
  /** Nothing was left out of `allocations` for want of room. */
  complete: z.boolean().default(true),
});
export type AgentHello = z.infer<typeof AgentHello>;
export const AgentHelloReply = z.object({
  clusterId: ClusterId,
  fence: Fence,
  /**
   * What the log has running there and a complete hello did not list. The agent reports on each:
   * a hello may arrive late, so only what the agent knows by then can end an allocation.
   */
  unlisted: z.array(AllocationId).default([]),
});
export type AgentHelloReply = z.infer<typeof AgentHelloReply>;

/** Request `berth.agent.<node>.report`: acknowledged once it is in the log. */
export const AgentReport = Envelope.extend({
  clusterId: ClusterId,
  reports: z.array(AllocationReport).min(1),
});
export type AgentReport = z.infer<typeof AgentReport>;
/** Allocations that the leader has never heard of or has forgotten; the agent may drop their records. */
export const AgentReportReply = z.object({ unknown: z.array(AllocationId) });
export type AgentReportReply = z.infer<typeof AgentReportReply>;

/** Request `berth.agent.<node>.desired`: one page of the desired state, sorted by allocation number. */
export const DesiredRequest = Envelope.extend({
  clusterId: ClusterId,
  /** Only allocations with a larger number; null for the first page. */
  after: AllocationId.nullable(),
});
export type DesiredRequest = z.infer<typeof DesiredRequest>;
/** Pages of one listing share a fence; where it moves between pages, the agent starts over. */
export const DesiredReply = z.object({
  clusterId: ClusterId,
  fence: Fence,
  allocations: z.array(DesiredAllocation),
  more: z.boolean(),
});
export type DesiredReply = z.infer<typeof DesiredReply>;

/**
 * Published on `berth.node.<node>.desired` after the log has acknowledged the change. Applies on
 * top of `base` only; an agent that is elsewhere pulls the whole.
 */
export const DesiredDelta = z.object({
  v: z.literal(MESSAGE_VERSION),
  clusterId: ClusterId,
  fence: Fence,
  base: Fence,
  add: z.array(DesiredAllocation),
  remove: z.array(AllocationId),
});
export type DesiredDelta = z.infer<typeof DesiredDelta>;

/** `berth.agent.<node>.beat`, each second. A leader that sees an old fence sends the news again. */
export const AgentBeat = Envelope.extend({
  sequence: z.int().min(0),
  bootId: z.string(),
  applied: Fence.nullable(),
  running: z.int().min(0),
});
export type AgentBeat = z.infer<typeof AgentBeat>;

/** `berth.agent.<node>.usage`, every five seconds. Null means not measured. */
export const AgentUsage = Envelope.extend({
  atUnixMs: z.number(),
  host: z.object({
    cpuMillis: z.number().nullable(),
    memoryMiB: z.number().nullable(),
    diskMiB: z.number().nullable(),
    receivedMbps: z.number().nullable(),
    sentMbps: z.number().nullable(),
    load1: z.number().nullable(),
  }),
  allocations: z.array(AllocationUsage),
});
export type AgentUsage = z.infer<typeof AgentUsage>;

/**
 * Request `berth.node.<node>.logs`: one chunk. Pulling makes flow control and resumption free: a
 * slow reader costs the agent nothing, and a cursor outlives restarts of both sides.
 */
export const LogsRequest = z.object({
  v: z.literal(MESSAGE_VERSION),
  allocationId: AllocationId,
  stream: z.enum(["stdout", "stderr"]),
  /** Byte offset in everything the task ever wrote; negative counts back from the end. */
  offset: z.int(),
  /** Used instead of `offset` where set: start this many lines before the end. */
  tailLines: z.int().min(0).max(limits.logTailLinesMax).nullable(),
  maxBytes: z.int().min(1),
  /** Wait this long for more when there is nothing after the offset and the task still runs. */
  waitMs: z.int().min(0).max(limits.longPollMsMax),
});
export type LogsRequest = z.infer<typeof LogsRequest>;
export const LogsReply = z.object({
  /** Where `data` starts; larger than asked for when older bytes were rotated away. */
  offset: z.int(),
  nextOffset: z.int(),
  /** Bytes that were asked for and are gone. */
  skippedBytes: z.int().min(0),
  data: z.string(), // base64
  /** The task has ended and nothing follows `nextOffset`. */
  end: z.boolean(),
});
export type LogsReply = z.infer<typeof LogsReply>;

/**
 * Every reply on the wire, from any side. `seq`, in answers of a scheduler: the sequence of the log
 * that the answer reflects. A reader that must not see less says so with `atLeastSeq`.
 */
export type Reply<T> = { ok: true; value: T; seq?: number } | { ok: false; error: WireError };
