import {
  type AllocationId,
  BerthError,
  type ClusterId,
  type Drain,
  type EventView,
  type Exit,
  Health,
  type NodeDescription,
  type NodeId,
  type NodeStatus,
  type PendingExplanation,
  type PlacementExplanation,
  type Pool,
  type Project,
  type RequestId,
  type Reservation,
  StopReason,
  type WorkloadId,
} from "@berth/protocol";
import { allocationStatuses } from "../allocation-columns.ts";
import type { Revision, SpecialGrant } from "../allocation-table.ts";
import type { WorkloadCounts } from "../cluster-state.ts";
import type { IndexRange } from "../index-ranges.ts";

/**
 * A state written down: chunks, each of them one JSON document with rows of one section, the
 * sections in the order of `StateSections`. What follows from other rows is not written: what nodes
 * hold, which allocation of an index lives and which ended, and the agenda.
 *
 *     {"section":"header","rows":[{"format":"berth.state","v":1,…}]}
 *     {"section":"nodes","rows":[{…},{…}]}
 *     …
 *     {"section":"end","rows":[{"rows":1234}]}
 */
export const STATE_FORMAT = "berth.state";

/** Grows with every change that a reader of this version would not understand. */
export const STATE_FORMAT_VERSION = 2;

/** Every version this one reads. Version 2 added projects, pools, reservations, special grants. */
export const stateFormatVersions: readonly number[] = [1, STATE_FORMAT_VERSION];

/** What each section's rows are. References to rows of earlier sections are their positions. */
export interface StateSections {
  header: HeaderRow;
  nodes: NodeRow;
  /** Every version of a workload that it, or an allocation, is of. */
  revisions: Revision;
  workloads: WorkloadRow;
  pending: PendingRow;
  slots: SlotRow;
  /** Where allocations are: distinct pairs of a node and its name at the time. */
  places: [nodeId: NodeId, nodeName: string];
  /** What allocations hold of the scalar dimensions: distinct amounts, in their order. */
  amounts: number[];
  allocations: AllocationRow;
  projects: Project;
  pools: Pool;
  reservations: Reservation;
  /** Live allocations that make room for a workload. */
  yielding: [id: AllocationId, workload: WorkloadId];
  /** Allocations that were asked to move, and where to. */
  moves: [id: AllocationId, node: NodeId];
  explanations: [id: AllocationId, why: PlacementExplanation];
  answers: [id: RequestId, method: string, reply: unknown, seq: number];
  events: EventView;
  /** The last chunk: without it, some are missing. */
  end: { rows: number };
}
export type SectionName = keyof StateSections;

export interface HeaderRow {
  format: typeof STATE_FORMAT;
  v: number;
  clusterId: ClusterId | null;
  term: number;
  leader: string;
  version: string;
  seq: number;
  atUnixMs: number;
  nextNodeNumber: number;
  nextWorkloadNumber: number;
  nextAllocationNumber: number;
  /** Absent before the first reservation. */
  nextReservationNumber?: number;
  droppedThroughSeq: number;
  /** What the numbers in rows of allocations stand for. */
  words: { status: string[]; health: string[]; stopReason: string[] };
}

export interface NodeRow {
  number: number;
  description: NodeDescription;
  status: NodeStatus;
  statusReason: string;
  statusSinceUnixMs: number;
  eligibility: "eligible" | "cordoned";
  eligibilityReason: string | null;
  drain: Drain | null;
  generation: number;
}

export interface WorkloadRow {
  number: number;
  /** The newest one. */
  revision: number;
  taskVersion: number;
  stopped: boolean;
  removing: boolean;
  submittedAtUnixMs: number;
  updatedAtUnixMs: number;
  counts: WorkloadCounts;
}

/** Some ranges of a group of waiting indexes; without an explanation, more of the group before. */
export type PendingRow = [
  workload: number,
  ranges: IndexRange[],
  explanation: PendingExplanation | null,
];

/** With `live` alone, it is the first allocation of the index, and all there is to tell. */
export type SlotRow = [
  workload: number,
  index: number,
  /** The number of its live allocation. */
  live: number | null,
  attempt?: number,
  failuresAtUnixMs?: readonly number[],
  retryAtUnixMs?: number | null,
  lastFailure?: string | null,
  done?: "complete" | "failed" | null,
];

/** Ascending by number. What is null at the end of a row is left out. */
export type AllocationRow = [
  number: number,
  revision: number,
  index: number,
  attempt: number,
  place: number,
  amounts: number,
  placedAtUnixMs: number,
  status: number,
  health: number,
  pid?: number | null,
  startedAtUnixMs?: number | null,
  ports?: Record<string, number> | null,
  gpuUuids?: string[] | null,
  message?: string | null,
  stopReason?: number | null,
  exit?: Exit | null,
  finishedAtUnixMs?: number | null,
  special?: SpecialGrant | null,
];

/** This version's words; a row names one by its position. */
export const words = {
  status: allocationStatuses,
  health: Health.options,
  stopReason: StopReason.options,
} as const;

/** A written state that this version cannot take up: another one's, or not what was written. */
export class StateFormatError extends BerthError {
  readonly reason: "unknown_version" | "malformed";
  /** The version it says it has; null where it says none. */
  readonly version: number | null;

  constructor(
    reason: "unknown_version" | "malformed",
    message: string,
    { version = null, cause }: { version?: number | null; cause?: unknown } = {},
  ) {
    super("invalid", message, { details: { reason, version }, cause });
    this.reason = reason;
    this.version = version;
  }
}
