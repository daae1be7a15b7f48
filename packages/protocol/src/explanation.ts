import { z } from "zod";
import { NodeId } from "./ids.ts";

/**
 * Why something waits, and why something is where it is, as data. Texts are made from these by the
 * reader; nothing ever parses a sentence.
 */

/** The steps a node goes through, in order. A node is counted once, at the first one it fails. */
export const rejectionCodes = [
  "node.down",
  "node.suspect",
  "node.draining",
  "node.cordoned",
  "driver.unavailable",
  "constraint",
  "gpu.model", // has no device of the model, or with the memory, asked for
  "gpu.capacity", // has fewer such devices than asked for, even when idle
  "cpu.capacity",
  "memory.capacity",
  "disk.capacity",
  "network.unknown",
  "network.capacity",
  "allocations.max",
  "gpu.free", // has them, others hold them
  "cpu.free",
  "memory.free",
  "disk.free",
  "network.free",
  "port.static", // another allocation holds the fixed port
  "port.range", // no free port left in the range
] as const;
export type RejectionCode = (typeof rejectionCodes)[number];

export const Rejection = z.object({
  code: z.enum(rejectionCodes),
  /** How many nodes failed first at this step. */
  nodes: z.int().min(1),
  /** For `constraint`: the expression. For `port.static`: the port. Else null. */
  subject: z.string().nullable(),
  /** What was asked in this dimension, in its own unit; null where there is none. */
  requested: z.number().nullable(),
  /** The most any of these nodes had (capacity or free, as the code says); null where unknown. */
  best: z.number().nullable(),
});
export type Rejection = z.infer<typeof Rejection>;

export const Shortfall = z.object({
  code: z.enum(rejectionCodes),
  requested: z.number().nullable(),
  available: z.number().nullable(),
});
export type Shortfall = z.infer<typeof Shortfall>;

/** A node that nearly fits: everything it lacks, fewest lacks first. */
export const NearestFit = z.object({
  nodeId: NodeId,
  nodeName: z.string(),
  shortfalls: z.array(Shortfall).min(1),
});
export type NearestFit = z.infer<typeof NearestFit>;

/** No node fits. `rejections[].nodes` add up to `nodesTotal`. */
export const NoFit = z.object({
  reason: z.literal("no_fit"),
  nodesTotal: z.int().min(0),
  rejections: z.array(Rejection),
  nearest: z.array(NearestFit),
});
export type NoFit = z.infer<typeof NoFit>;

export const PendingExplanation = z.discriminatedUnion("reason", [
  NoFit,
  /** Failed before; waits before the next attempt. */
  z.object({
    reason: z.literal("backoff"),
    failures: z.int().min(1),
    untilUnixMs: z.number(),
    lastFailure: z.string(),
  }),
  /** A rolling update or drain waits for other indexes to become available first. */
  z.object({ reason: z.literal("update"), unavailable: z.int(), maxUnavailable: z.int() }),
  /** The index's former allocation has not ended yet, so its place is not free. */
  z.object({ reason: z.literal("predecessor"), allocationId: z.string(), nodeName: z.string() }),
  /** Accepted, and not reached by the scheduler yet. */
  z.object({ reason: z.literal("queued") }),
]);
export type PendingExplanation = z.infer<typeof PendingExplanation>;

/** Indexes that wait for the same reason. `indexes` are inclusive ranges. */
export const PendingGroup = z.object({
  count: z.int().min(1),
  indexes: z.array(z.tuple([z.int(), z.int()])),
  explanation: PendingExplanation,
});
export type PendingGroup = z.infer<typeof PendingGroup>;

/** One node that was considered for a placement; a higher score is better. */
export const Candidate = z.object({
  nodeId: NodeId,
  nodeName: z.string(),
  score: z.int(),
  /** Score terms by name; they add up to `score`. */
  terms: z.record(z.string(), z.int()),
});
export type Candidate = z.infer<typeof Candidate>;

export const PlacementExplanation = z.object({
  nodesTotal: z.int().min(1),
  nodesFeasible: z.int().min(1),
  /** Best first; the first one was chosen. */
  candidates: z.array(Candidate).min(1),
});
export type PlacementExplanation = z.infer<typeof PlacementExplanation>;
