import {
  type AllocationId,
  type ClusterId,
  type Drain,
  limits,
  type NodeDescription,
  type NodeId,
  type NodeStatus,
  type PendingGroup,
  type PlacementExplanation,
  type Pool,
  type Project,
  type ProjectName,
  type RequestId,
  type Reservation,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { type Agenda, createAgenda } from "./agenda.ts";
import type { AllocationIds } from "./allocation-ids.ts";
import { AllocationTable, type Place, type Revision } from "./allocation-table.ts";
import type { DesiredSet } from "./desired-set.ts";
import type { UsageAccount } from "./node-usage.ts";
import type { QuotaCount } from "./quota-use.ts";
import { createEventRing, type EventRing } from "./event-ring.ts";
import { RecentMap } from "./recent-map.ts";
import type { SlotTable } from "./slot-table.ts";

export { isAvailable, isFinal, outcomeOf } from "./allocation-status.ts";
export type { AllocationRecord } from "./allocation-table.ts";
export type { Slot } from "./slot-table.ts";

/**
 * The whole cluster as the fold of its log. Only `applyEntry` writes to it; everyone else reads.
 * Counts are kept as events arrive, so that no view has to walk allocations.
 */
export interface ClusterState {
  clusterId: ClusterId | null;
  /** 0 before the first leader. */
  term: number;
  leader: string;
  version: string;
  /** The last applied entry; 0 before the first. */
  seq: number;
  /** When the leader decided the last applied entry. */
  atUnixMs: number;
  readonly nodes: Map<NodeId, NodeRecord>;
  readonly workloads: Map<WorkloadId, WorkloadRecord>;
  readonly allocations: AllocationTable;
  /** As configured; a project that nobody configured is not among them. */
  readonly projects: Map<ProjectName, Project>;
  readonly pools: Map<string, Pool>;
  readonly reservations: Map<string, Reservation>;
  /** Live allocations that were asked to stop so that another workload gets their room. */
  readonly yielding: Map<AllocationId, WorkloadId>;
  /** Where the index of an allocation that was asked to move goes next; until it is placed again. */
  readonly moves: Map<AllocationId, NodeId>;
  /** What the live allocations of each project are charged. Derived from them; not part of the hash. */
  readonly projectUse: Map<ProjectName, QuotaCount>;
  /** Why the newest allocations are where they are: people ask, nothing else depends on it. */
  readonly explanations: RecentMap<AllocationId, PlacementExplanation>;
  /** Answers to writes, the newest `limits.answersRememberedMax`. */
  readonly answers: RecentMap<RequestId, Answer>;
  readonly events: EventRing;
  nextNodeNumber: number;
  nextWorkloadNumber: number;
  nextAllocationNumber: number;
  nextReservationNumber: number;
  /** What the scheduler has yet to reconsider. Derived from the rest; not part of the hash. */
  readonly agenda: Agenda;
}

export interface NodeRecord {
  readonly id: NodeId;
  /** Given once, never reused: the index of system allocations on this node. */
  readonly number: number;
  description: NodeDescription;
  /** Its id and name as one value, which what is placed here shares. */
  place: Place;
  status: NodeStatus;
  statusReason: string;
  statusSinceUnixMs: number;
  eligibility: "eligible" | "cordoned";
  eligibilityReason: string | null;
  drain: Drain | null;
  /** Grows by one for each event that changes the node's desired set. */
  generation: number;
  /** Of its pool: 100 grants each core once. */
  cpuOvercommitPercent: number;
  /** What live allocations hold. Free again only when they are final. */
  readonly usage: UsageAccount;
  /** Allocations that are not final, in order of their number. */
  readonly live: AllocationIds;
  /** Those of them that were asked to stop. */
  readonly stopping: AllocationIds;
  /** Those of them that should run: the others. */
  readonly desired: DesiredSet;
}

/** As much of a node as its agent says: what does not change with what runs there. */
export type Described = Pick<NodeRecord, "description">;

export interface WorkloadRecord {
  readonly id: WorkloadId;
  /** Order of first submission: age, without a clock. */
  readonly number: number;
  spec: WorkloadSpec;
  version: number;
  /** These as one value, which its allocations share. */
  revision: Revision;
  /** The version that last changed what runs. Allocations of an older one are outdated. */
  taskVersion: number;
  stopped: boolean;
  /** Forgotten, history included, once the last allocation has ended. */
  removing: boolean;
  submittedAtUnixMs: number;
  updatedAtUnixMs: number;
  /** By index; an index without a slot has never been placed. */
  readonly slots: SlotTable;
  /** Every waiting index with its reason. An index that has no live allocation is in exactly one. */
  pending: readonly PendingGroup[];
  readonly counts: WorkloadCounts;
}

export interface WorkloadCounts {
  placed: number;
  running: number;
  /** Running, and healthy or without a check. */
  healthy: number;
  stopping: number;
  /** Indexes of a batch that ran to completion. */
  complete: number;
  /** Indexes of a batch that were given up. */
  failed: number;
}

/** What a write was answered, without the `seq` that names the entry it became durable in. */
export interface Answer {
  readonly method: string;
  readonly reply: unknown;
  readonly seq: number;
}

export function createState(): ClusterState {
  return {
    clusterId: null,
    term: 0,
    leader: "",
    version: "",
    seq: 0,
    atUnixMs: 0,
    nodes: new Map(),
    workloads: new Map(),
    allocations: new AllocationTable(),
    projects: new Map(),
    pools: new Map(),
    reservations: new Map(),
    yielding: new Map(),
    moves: new Map(),
    projectUse: new Map(),
    explanations: new RecentMap(limits.placementExplanationsRememberedMax),
    answers: new RecentMap(limits.answersRememberedMax),
    events: createEventRing(),
    nextNodeNumber: 1,
    nextWorkloadNumber: 1,
    nextAllocationNumber: 1,
    nextReservationNumber: 1,
    agenda: createAgenda(),
  };
}

/** It takes new placements. */
export function isOpen(node: NodeRecord): boolean {
  return node.status === "ready" && node.eligibility === "eligible";
}
