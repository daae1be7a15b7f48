import {
  type ApiParams,
  type ApiReply,
  limits,
  type PlanResult,
  validateWorkloads,
  type WorkloadId,
  type WorkloadSpec,
} from "@berth/protocol";
import { findChangedKinds, refuseSpecs, reviseSpec } from "../command/apply-workloads.ts";
import { findCyclicColocations } from "../command/cyclic-colocations.ts";
import { findOverQuota } from "../command/over-quota.ts";
import { type Admitted, admitIndexes } from "../evaluate/admit-indexes.ts";
import { inLine, stand } from "../evaluate/in-line.ts";
import { renewPromises } from "../evaluate/preempt-for.ts";
import { Pass } from "../evaluate/pass.ts";
import { surroundingsOf } from "../evaluate/place-indexes.ts";
import { explainFreeing, type FreeingContext } from "../explain/freed-by.ts";
import { groupPending } from "../explain/group-pending.ts";
import { warningsOf } from "../explain/submission-warnings.ts";
import { placementRequest } from "../place/placement-request.ts";
import { NO_SURROUNDINGS } from "../place/surroundings.ts";
import { clusterCapacity } from "../queue/cluster-capacity.ts";
import { FairQueue } from "../queue/fair-queue.ts";
import { keepReserved } from "../queue/reservations.ts";
import { liveOf } from "../reconcile/reconcile-context.ts";
import { reconcileWorkload } from "../reconcile/reconcile-workload.ts";
import { newWorkload, reviseWorkload } from "../state/apply-workload-event.ts";
import type { AllocationRecord, ClusterState, WorkloadRecord } from "../state/cluster-state.ts";
import { diffJson } from "./spec-diff.ts";
import type { QueryContext, QueryResult } from "./query-result.ts";

/**
 * What applying these workloads would come to, through the code that does it: reconciliation and
 * placement on scratch copies. It looks past the pace of a rolling update, as if everything that
 * is to be replaced had ended already.
 */
export function planWorkloads(
  { state, nowUnixMs }: QueryContext,
  { workloads }: ApiParams<"workload.plan">,
): QueryResult<ApiReply<"workload.plan">> {
  const validated = validateWorkloads(workloads);
  if (!validated.ok) return refuseSpecs(validated.problems);
  const problems = [
    ...findChangedKinds(state, validated.specs),
    ...findOverQuota(state, validated.specs),
    ...findCyclicColocations(state, validated.specs),
  ];
  if (problems.length > 0) return refuseSpecs(problems);
  const pass = new Pass(state, nowUnixMs, Number.POSITIVE_INFINITY);
  keepReserved(pass);
  renewPromises(pass);
  const planned = new Map<WorkloadId, Planned>();
  const scratches = validated.specs.map((spec) => scratchOf(state, spec, nowUnixMs));
  const queue = new FairQueue(inLine(state, scratches), pass.projects, clusterCapacity(state));
  for (let item = queue.next(); item; item = queue.next()) {
    const { workload, isStanding } = item;
    if (isStanding) stand(pass, workload);
    else planned.set(workload.id, planWorkload(pass, workload));
  }
  const warnings = warningsOf(state, validated.specs);
  const results = scratches.flatMap(({ id }, document) => {
    const result = planned.get(id);
    return result ? [{ ...result, warnings: warnings[document] ?? [] }] : [];
  });
  return { ok: true, value: { seq: state.seq, results } };
}

type Planned = Omit<PlanResult, "warnings">;

function scratchOf(state: ClusterState, spec: WorkloadSpec, nowUnixMs: number): WorkloadRecord {
  const revision = reviseSpec(state, spec);
  const known = state.workloads.get(revision.workload);
  return scratchWorkload(state, known, revision, spec, nowUnixMs);
}

function planWorkload(pass: Pass, workload: WorkloadRecord): Planned {
  const { state, nowUnixMs } = pass;
  const { spec } = workload;
  const revision = reviseSpec(state, spec);
  const known = state.workloads.get(revision.workload);
  pass.promises.drop(workload);
  const { stops, place, waiting } = reconcileWorkload({ state, workload, nowUnixMs });

  const ending = new Map(stops.map(({ allocation }) => [allocation.id, allocation]));
  const vacated: number[] = [];
  for (const { index, explanation } of waiting) {
    if (explanation.reason !== "predecessor" && explanation.reason !== "update") continue;
    const predecessor = liveOf(state, workload.slots.get(index));
    if (predecessor) ending.set(predecessor.id, predecessor);
    vacated.push(index);
  }
  for (const allocation of ending.values()) pass.release(allocation);
  const firstEvent = pass.events.length;
  const indexes = [...place, ...vacated].sort((a, b) => a - b);
  const admitted = admitIndexes(pass, workload, indexes);
  return {
    workload: revision.workload,
    change: revision.change,
    diff: known ? diffJson(known.spec, spec) : [],
    ...listPlacements(pass, firstEvent),
    ...listStops([...ending.values(), ...stoppedSince(pass, firstEvent)]),
    ...unplacedOf(admitted, freeingOf(pass, workload, indexes)),
  };
}

/** The record as applying the spec would leave it. The state's own is not touched. */
function scratchWorkload(
  state: ClusterState,
  known: WorkloadRecord | undefined,
  { workload: workloadId, version, change }: ReturnType<typeof reviseSpec>,
  spec: WorkloadSpec,
  nowUnixMs: number,
): WorkloadRecord {
  if (!known) return newWorkload(state.nextWorkloadNumber, { workloadId, spec }, nowUnixMs);
  const scratch = { ...known, slots: known.slots.copy(), counts: { ...known.counts } };
  if (change !== "unchanged") reviseWorkload(scratch, { version, spec }, nowUnixMs);
  return scratch;
}

function listPlacements(
  { state, events }: Pass,
  firstEvent: number,
): Pick<PlanResult, "placements" | "placed"> {
  const placements = events.slice(firstEvent).flatMap((event) => {
    if (event.type !== "AllocationPlaced") return [];
    const nodeName = state.nodes.get(event.nodeId)?.description.name ?? event.nodeId;
    return [{ index: event.index, nodeName, why: event.why }];
  });
  return { placements: placements.slice(0, limits.planListedMax), placed: placements.length };
}

/** Others, who make room for it. */
function stoppedSince({ state, events }: Pass, firstEvent: number): AllocationRecord[] {
  return events
    .slice(firstEvent)
    .flatMap((event) =>
      event.type === "AllocationStopRequested"
        ? (state.allocations.get(event.allocationId) ?? [])
        : [],
    );
}

function listStops(ending: readonly AllocationRecord[]): Pick<PlanResult, "stops" | "stopped"> {
  const stops = ending
    .filter(({ status }) => status !== "stopping")
    .map(({ id, nodeName }) => ({ allocation: id, nodeName }));
  return { stops: stops.slice(0, limits.planListedMax), stopped: stops.length };
}

function unplacedOf(
  { waiting }: Admitted,
  freeing: FreeingContext,
): Pick<PlanResult, "unplaced" | "pending" | "noFit"> {
  const pending = groupPending(waiting).map((group) => ({
    ...group,
    explanation: explainFreeing(group.explanation, freeing),
  }));
  const noFit = pending.flatMap(({ explanation }) => {
    if (explanation.reason === "gang") return explanation.noFit ?? [];
    return explanation.reason === "no_fit" ? [explanation] : [];
  });
  return { unplaced: waiting.length, pending, noFit: noFit[0] ?? null };
}

/** What would have to end, beside what ends by this plan itself. */
function freeingOf(
  pass: Pass,
  workload: WorkloadRecord,
  indexes: readonly number[],
): FreeingContext {
  const { state, nowUnixMs, ledger } = pass;
  const request = placementRequest(workload.spec);
  return {
    state,
    nowUnixMs,
    request,
    surroundings: surroundingsOf(pass, workload, request, indexes) ?? NO_SURROUNDINGS,
    usageOf: (node) => ledger.usageOf(node),
    hasEnded: (allocation) => pass.hasReleased(allocation),
  };
}
