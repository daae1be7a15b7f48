import { z } from "zod";
import { AllocationId, NodeId, ProjectName, WorkloadId } from "./ids.ts";
import { quotaDimensions } from "./project.ts";

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
  "pool", // is in another pool
  "taint", // has a taint that is not tolerated
  "driver.unavailable",
  "constraint",
  "gpu.model", // has no device of the model, with the memory or of the slice's profile, asked for
  "gpu.capacity", // has fewer such devices than asked for, even when idle
  "gpu.health", // has them, too few of them are healthy
  "device.capacity", // has fewer of a counted device
  "cpu.capacity",
  "memory.capacity",
  "disk.class", // has no disk of the class
  "disk.capacity",
  "disk.health", // has one that is large enough, and it is unhealthy
  "network.unknown",
  "network.capacity",
  "numa.capacity", // has no zone that is large enough, even when idle
  "allocations.max",
  "distinct", // has as many of the workload as its value of the attribute may have
  "colocation", // nothing of the workload it goes with is there
  "gpu.free", // has them, others hold them
  "gpu.share", // no device has so much of it left, in thousandths
  "device.free",
  "cpu.free",
  "memory.free",
  "disk.free",
  "network.free",
  "numa.free", // has a zone that is large enough, others hold it
  "port.static", // another allocation holds the fixed port
  "port.range", // no free port left in the range
  "reserved", // is held for somebody else
] as const;
export type RejectionCode = (typeof rejectionCodes)[number];

export const Rejection = z.object({
  code: z.enum(rejectionCodes),
  /** How many nodes failed first at this step. */
  nodes: z.int().min(1),
  /** The expression, port, pool, taint, device, attribute or workload that it failed; else null. */
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

/** What would have to end on a node for it to fit: as few as possible, and those least important. */
export const FreedBy = z.object({
  count: z.int().min(1),
  /** The first of them, least important first. */
  allocations: z
    .array(
      z.object({
        allocation: AllocationId,
        workload: WorkloadId,
        priority: z.int(),
        /** When it has ended at the latest; null where no time limit says so. */
        endsByUnixMs: z.number().nullable(),
      }),
    )
    .min(1),
  /** When all of them have; null where that is not known. */
  endsByUnixMs: z.number().nullable(),
});
export type FreedBy = z.infer<typeof FreedBy>;

/** A node that nearly fits: everything it lacks, fewest lacks first. */
export const NearestFit = z.object({
  nodeId: NodeId,
  nodeName: z.string(),
  shortfalls: z.array(Shortfall).min(1),
  /**
   * Told to who asks (`why`, `plan`), as of then; never in the log. Absent where nothing that ends
   * would do, as on a node that is too small.
   */
  freedBy: FreedBy.optional(),
});
export type NearestFit = z.infer<typeof NearestFit>;

/** A request that would fit if it asked for less in one dimension. */
export const SmallerFit = z.object({
  dimension: z.enum(["cpuMillis", "memoryMiB", "diskMiB", "networkMbps", "gpuCount"]),
  requested: z.int(),
  /** The most that would fit somewhere now. */
  fits: z.int(),
  nodeId: NodeId,
  nodeName: z.string(),
});
export type SmallerFit = z.infer<typeof SmallerFit>;

/** No node fits. `rejections[].nodes` add up to `nodesTotal`. */
export const NoFit = z.object({
  reason: z.literal("no_fit"),
  nodesTotal: z.int().min(0),
  rejections: z.array(Rejection),
  nearest: z.array(NearestFit),
  /** Smaller requests that would fit now, each with one dimension reduced, largest first. */
  smaller: z.array(SmallerFit).optional(),
  /** When it starts, as far as time limits tell; null where they do not. */
  estimatedStartUnixMs: z.number().nullable().optional(),
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
  /** Together with the rest of its gang it does not fit; `noFit` is of the first that does not. */
  z.object({
    reason: z.literal("gang"),
    size: z.int().min(1),
    /** How many of them would have a place now. */
    placeable: z.int().min(0),
    within: z.string().nullable(),
    noFit: NoFit.nullable(),
  }),
  /** Its project, or one above it, has used up its limit. */
  z.object({
    reason: z.literal("quota"),
    project: ProjectName,
    dimension: z.enum(quotaDimensions),
    limit: z.int(),
    used: z.int(),
    requested: z.int(),
  }),
  /** There is room, and it is kept for work that is ahead; null where its start is not known. */
  z.object({
    reason: z.literal("behind"),
    workload: WorkloadId,
    startsAtUnixMs: z.number().nullable(),
    /** It would start now with a time limit of at most this; null where none would do. */
    timeLimitMsMax: z.int().nullable(),
  }),
  /** Less important work was asked to stop, and has not ended yet. */
  z.object({
    reason: z.literal("preempting"),
    victims: z.int().min(1),
    nodeNames: z.array(z.string()),
  }),
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
