import { z } from "zod";
import { SpecWarning } from "./errors.ts";
import { NoFit, PendingGroup, PlacementExplanation } from "./explanation.ts";
import { AllocationId, NodeId, RequestId, WorkloadId } from "./ids.ts";
import { limits } from "./limits.ts";
import { policyApi } from "./policy-api.ts";
import {
  AllocationView,
  ClusterStatus,
  EventView,
  NodeDetail,
  NodeView,
  Why,
  WorkloadDetail,
  WorkloadView,
} from "./views.ts";
import { Hypothesis, RebalancePlan, WhatIf } from "./what-if.ts";

/**
 * The methods of `berth.api.<method>`. Request bodies are `{ v: 1, ...params }`; replies are
 * `Reply<value>`. A write carries a client-made request id: repeating it returns the first answer.
 * A write's reply means it is durable.
 *
 * Any scheduler answers a read, from the sequence its reply names. A read with `atLeastSeq` is
 * answered from that sequence or a later one, or refused as `behind`: with the sequence of a write's
 * reply, a client reads its own writes wherever it asks.
 */
export const ReadEnvelope = z.object({ atLeastSeq: z.int().min(0).default(0) });
const Write = z.object({ requestId: RequestId });
const Empty = z.object({});

/**
 * One page of a listing. A page may be shorter than asked for, because an answer has to fit a
 * message; `next` is the `after` of the page that follows, null on the last.
 */
const page = <After extends z.ZodType>(after: After) => ({
  after: after.nullable().default(null),
  limit: z.int().min(1).max(limits.listPageMax).default(limits.listPageMax),
});

export const ApplyResult = z.object({
  workload: WorkloadId,
  version: z.int(),
  change: z.enum(["created", "updated", "unchanged"]),
  /** Why it may wait longer than its author thinks. */
  warnings: z.array(SpecWarning).default([]),
});
export type ApplyResult = z.infer<typeof ApplyResult>;

/** What `plan` says of one workload: nothing is changed. */
export const PlanResult = z.object({
  workload: WorkloadId,
  change: z.enum(["created", "updated", "unchanged"]),
  /** Changed fields as JSON paths with old and new value as JSON; empty when created. */
  diff: z.array(
    z.object({ path: z.string(), before: z.json().nullable(), after: z.json().nullable() }),
  ),
  /** The first of them; `placed` counts all. */
  placements: z.array(
    z.object({ index: z.int(), nodeName: z.string(), why: PlacementExplanation }),
  ),
  placed: z.int(),
  /** The first of them; `stopped` counts all. */
  stops: z.array(z.object({ allocation: AllocationId, nodeName: z.string() })),
  stopped: z.int(),
  unplaced: z.int(),
  /** Why the unplaced ones would wait. */
  pending: z.array(PendingGroup).default([]),
  noFit: NoFit.nullable(),
  warnings: z.array(SpecWarning).default([]),
});
export type PlanResult = z.infer<typeof PlanResult>;

/** The node by id, id prefix or name. */
const NodeSelector = z.object({ node: z.string().min(1) });
/** The workload by id (`project/name`) or, in project `default`, by name. */
const WorkloadSelector = z.object({ workload: z.string().min(1) });
const AllocationSelector = z.object({ allocation: z.string().min(1) });

/**
 * `workloads` are documents as people write them (`workload-input.ts`), already parsed from YAML
 * or JSON; the leader is the only validator, and answers `spec.invalid` with every problem.
 */
export const api = {
  "cluster.status": { kind: "read", request: Empty, reply: ClusterStatus },
  /** What the state would come to: tried on a copy of it, by the code that would do it. */
  "cluster.whatif": {
    kind: "read",
    request: z.object({ hypothesis: Hypothesis }),
    reply: WhatIf,
  },
  /** Moves that recover stranded capacity, or make room for a workload. Changes nothing. */
  "cluster.rebalance": {
    kind: "read",
    request: z.object({
      /** For whom to make room; null: for whatever comes. */
      workload: z.string().min(1).nullable().default(null),
      movesMax: z.int().min(1).max(limits.rebalanceMovesMax).default(20),
    }),
    reply: RebalancePlan,
  },
  "workload.apply": {
    kind: "write",
    request: Write.extend({ workloads: z.array(z.json()).min(1) }),
    reply: z.object({ seq: z.int(), results: z.array(ApplyResult) }),
  },
  "workload.plan": {
    kind: "read",
    request: z.object({ workloads: z.array(z.json()).min(1) }),
    reply: z.object({ seq: z.int(), results: z.array(PlanResult) }),
  },
  "workload.list": {
    kind: "read",
    request: z.object({ project: z.string().nullable().default(null), ...page(WorkloadId) }),
    reply: z.object({
      seq: z.int(),
      workloads: z.array(WorkloadView),
      next: WorkloadId.nullable().default(null),
    }),
  },
  "workload.get": { kind: "read", request: WorkloadSelector, reply: WorkloadDetail },
  "workload.why": { kind: "read", request: WorkloadSelector, reply: Why },
  "workload.stop": {
    kind: "write",
    request: Write.extend(WorkloadSelector.shape),
    reply: z.object({ seq: z.int(), workload: WorkloadId }),
  },
  /** Stops it where it runs and forgets it, history included, once all of it has ended. */
  "workload.remove": {
    kind: "write",
    request: Write.extend(WorkloadSelector.shape),
    reply: z.object({ seq: z.int(), workload: WorkloadId, removed: z.boolean() }),
  },
  "allocation.list": {
    kind: "read",
    request: z.object({
      workload: z.string().nullable().default(null),
      node: z.string().nullable().default(null),
      /** Finished ones too. */
      all: z.boolean().default(false),
      ...page(AllocationId),
    }),
    reply: z.object({
      seq: z.int(),
      allocations: z.array(AllocationView),
      next: AllocationId.nullable().default(null),
    }),
  },
  "allocation.get": { kind: "read", request: AllocationSelector, reply: AllocationView },
  /**
   * Stops it, and starts its index on the other node if that has room then; null: wherever placement
   * says. Refused unless its workload may be moved and can do without it for a moment.
   */
  "allocation.move": {
    kind: "write",
    request: Write.extend(AllocationSelector.shape).extend({
      node: z.string().min(1).nullable().default(null),
    }),
    reply: z.object({
      seq: z.int(),
      allocation: AllocationId,
      workload: WorkloadId,
      index: z.int(),
    }),
  },
  "node.list": {
    kind: "read",
    request: z.object(page(z.int().min(0))),
    reply: z.object({
      seq: z.int(),
      nodes: z.array(NodeView),
      /** A node's number. */
      next: z.int().nullable().default(null),
    }),
  },
  "node.get": { kind: "read", request: NodeSelector, reply: NodeDetail },
  "node.cordon": {
    kind: "write",
    request: Write.extend(NodeSelector.shape).extend({
      reason: z.string().max(200).nullable().default(null),
    }),
    reply: z.object({ seq: z.int(), node: NodeView }),
  },
  "node.uncordon": {
    kind: "write",
    request: Write.extend(NodeSelector.shape),
    reply: z.object({ seq: z.int(), node: NodeView }),
  },
  "node.drain": {
    kind: "write",
    request: Write.extend(NodeSelector.shape).extend({
      deadlineMs: z.int().min(0).nullable().default(null),
      ignoreSystem: z.boolean().default(false),
      reason: z.string().max(200).nullable().default(null),
    }),
    reply: z.object({ seq: z.int(), node: NodeView }),
  },
  /** Only a node that is down and has nothing left on it. */
  "node.remove": {
    kind: "write",
    request: Write.extend(NodeSelector.shape),
    reply: z.object({ seq: z.int(), node: NodeId }),
  },
  /** Events after a position, oldest first; waits up to `waitMs` for the first one. */
  "event.list": {
    kind: "read",
    request: z.object({
      afterSeq: z.int().min(0).default(0),
      /** Take the newest ones instead of the first ones after `afterSeq`. */
      newest: z.boolean().default(false),
      limit: z.int().min(1).max(limits.eventPageMax).default(100),
      waitMs: z.int().min(0).max(limits.longPollMsMax).default(0),
      workload: z.string().nullable().default(null),
      node: z.string().nullable().default(null),
    }),
    reply: z.object({
      seq: z.int(),
      /** Events between `afterSeq` and the first one here are no longer remembered. */
      gap: z.boolean(),
      events: z.array(EventView),
    }),
  },
  ...policyApi,
} as const;

export type ApiMethod = keyof typeof api;
export type ApiRequest<M extends ApiMethod> = z.input<(typeof api)[M]["request"]>;
export type ApiParams<M extends ApiMethod> = z.output<(typeof api)[M]["request"]>;
export type ApiReply<M extends ApiMethod> = z.output<(typeof api)[M]["reply"]>;
export const apiMethods = Object.keys(api) as ApiMethod[];
