import { z } from "zod";
import { PendingExplanation } from "./explanation.ts";
import { ProjectName, RequestId, WorkloadId } from "./ids.ts";
import { limits } from "./limits.ts";
import { Pool, Project, type QuotaAmounts, quotaDimensions, Reservation } from "./project.ts";
import { priorityBands } from "./workload-spec.ts";

/** Methods about who may use what, and in which order: projects, pools, reservations, the queue. */

const Write = z.object({ requestId: RequestId });

/** Amounts of what quotas count. */
export const QuotaCounts = z.object({
  cpuMillis: z.int(),
  memoryMiB: z.int(),
  gpuMillis: z.int(),
});
export type QuotaCounts = z.infer<typeof QuotaCounts>;

/** The part of the cluster that a project uses of the dimension that it uses most of. */
const DominantShare = z.object({
  /** Millionths of what all nodes have together. */
  sharePpm: z.int(),
  /** Null while it uses nothing. */
  dimension: z.enum(quotaDimensions).nullable(),
});

export const ProjectView = z.object({
  ...Project.shape,
  /** False: nobody configured it, and it has what every such project has. */
  isConfigured: z.boolean(),
  /** By itself and everything below it. */
  used: QuotaCounts,
  dominant: DominantShare,
  /** Allocations of its own workloads that live, and indexes that wait. */
  live: z.int(),
  waiting: z.int(),
});
export type ProjectView = z.infer<typeof ProjectView>;

export const ReservationView = z.object({
  ...Reservation.shape,
  /** `planned`: too early to keep nodes. `kept`: its nodes are kept free. `begun`: it is its time. */
  state: z.enum(["planned", "kept", "begun"]),
  /** Names of the nodes that are kept for it now; empty while it is planned. */
  nodeNames: z.array(z.string()),
  /** How many nodes meet what it asks for. */
  nodesMatching: z.int(),
});
export type ReservationView = z.infer<typeof ReservationView>;

/** A workload of which something waits, at its place in the queue. */
export const QueueEntry = z.object({
  /** 1 is next. */
  position: z.int(),
  workload: WorkloadId,
  project: ProjectName,
  priority: z.int(),
  band: z.enum(priorityBands.map(({ name }) => name)),
  /** Indexes that wait. */
  waiting: z.int(),
  /** Why the first of them do. */
  explanation: PendingExplanation,
  /** When it starts, as far as time limits tell; null where they do not, or nobody asked yet. */
  estimatedStartUnixMs: z.number().nullable(),
  /** Its project's part of the cluster, and that for its weight: what comes first has least. */
  sharePpm: z.int(),
  weight: z.int(),
  submittedAtUnixMs: z.number(),
});
export type QueueEntry = z.infer<typeof QueueEntry>;

/**
 * `project`, `pool` and `reservation` are documents as people write them (`project-input.ts`); the
 * leader is the only validator, and answers `spec.invalid` with every problem.
 */
export const policyApi = {
  "project.list": {
    kind: "read",
    request: z.object({}),
    reply: z.object({ seq: z.int(), capacity: QuotaCounts, projects: z.array(ProjectView) }),
  },
  /** What the document does not mention stays as it is, or has its default when it is new. */
  "project.configure": {
    kind: "write",
    request: Write.extend({ project: z.json() }),
    reply: z.object({
      seq: z.int(),
      project: Project,
      change: z.enum(["created", "updated", "unchanged"]),
    }),
  },
  /** Its workloads stay, in a project that nobody configured. */
  "project.remove": {
    kind: "write",
    request: Write.extend({ project: z.string().min(1) }),
    reply: z.object({ seq: z.int(), project: ProjectName }),
  },
  "pool.list": {
    kind: "read",
    request: z.object({}),
    reply: z.object({
      seq: z.int(),
      pools: z.array(z.object({ ...Pool.shape, nodes: z.int() })),
    }),
  },
  "pool.configure": {
    kind: "write",
    request: Write.extend({ pool: z.json() }),
    reply: z.object({ seq: z.int(), pool: Pool, change: z.enum(["updated", "unchanged"]) }),
  },
  "reservation.list": {
    kind: "read",
    request: z.object({}),
    reply: z.object({ seq: z.int(), reservations: z.array(ReservationView) }),
  },
  "reservation.make": {
    kind: "write",
    request: Write.extend({ reservation: z.json() }),
    reply: z.object({ seq: z.int(), reservation: Reservation, nodesMatching: z.int() }),
  },
  "reservation.remove": {
    kind: "write",
    request: Write.extend({ reservation: z.string().min(1) }),
    reply: z.object({ seq: z.int(), reservation: z.string() }),
  },
  /** Workloads of which something waits, next ones first. */
  "queue.list": {
    kind: "read",
    request: z.object({
      project: z.string().nullable().default(null),
      /** The position before the first one wanted. */
      after: z.int().min(0).nullable().default(null),
      limit: z.int().min(1).max(limits.listPageMax).default(limits.listPageMax),
    }),
    reply: z.object({
      seq: z.int(),
      total: z.int(),
      entries: z.array(QueueEntry),
      next: z.int().nullable().default(null),
    }),
  },
} as const;

/** Unlimited in every dimension. */
export const NO_QUOTA: QuotaAmounts = { cpuMillis: null, memoryMiB: null, gpuMillis: null };
