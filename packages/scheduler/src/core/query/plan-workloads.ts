import {
  type ApiParams,
  type ApiReply,
  type ApplyResult,
  limits,
  type PlanResult,
  validateWorkloads,
  type WorkloadSpec,
} from "@berth/protocol";
import { findChangedKinds, refuseSpecs, reviseSpec } from "../command/apply-workloads.ts";
import { Pass } from "../evaluate/pass.ts";
import { type Placed, placeIndexes } from "../evaluate/place-indexes.ts";
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
  const kindProblems = findChangedKinds(state, validated.specs);
  if (kindProblems.length > 0) return refuseSpecs(kindProblems);
  const pass = new Pass(state, nowUnixMs, Number.POSITIVE_INFINITY);
  const planned = new Map<WorkloadSpec, PlanResult>();
  for (const spec of validated.specs.toSorted((a, b) => b.priority - a.priority)) {
    planned.set(spec, planWorkload(pass, spec));
  }
  const results = validated.specs.flatMap((spec) => planned.get(spec) ?? []);
  return { ok: true, value: { seq: state.seq, results } };
}

function planWorkload(pass: Pass, spec: WorkloadSpec): PlanResult {
  const { state, nowUnixMs } = pass;
  const revision = reviseSpec(state, spec);
  const known = state.workloads.get(revision.workload);
  const workload = scratchWorkload(state, known, revision, spec, nowUnixMs);
  const { stops, place, waiting } = reconcileWorkload({ state, workload, nowUnixMs });

  const ending = new Map(stops.map(({ allocation }) => [allocation.id, allocation]));
  const vacated: number[] = [];
  for (const { index, explanation } of waiting) {
    if (explanation.reason !== "predecessor" && explanation.reason !== "update") continue;
    const predecessor = liveOf(state, workload.slots.get(index));
    if (predecessor) ending.set(predecessor.id, predecessor);
    vacated.push(index);
  }
  for (const { nodeId, granted } of ending.values()) {
    const node = state.nodes.get(nodeId);
    if (node) pass.ledger.release(node, granted);
  }
  const firstEvent = pass.events.length;
  const indexes = [...place, ...vacated].sort((a, b) => a - b);
  const placed = placeIndexes(pass, workload, indexes);
  return {
    workload: revision.workload,
    change: revision.change,
    diff: known ? diffJson(known.spec, spec) : [],
    ...listPlacements(pass, firstEvent),
    ...listStops([...ending.values()]),
    ...unplacedOf(placed),
  };
}

/** The record as applying the spec would leave it. The state's own is not touched. */
function scratchWorkload(
  state: ClusterState,
  known: WorkloadRecord | undefined,
  { workload: workloadId, version, change }: ApplyResult,
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

function listStops(ending: readonly AllocationRecord[]): Pick<PlanResult, "stops" | "stopped"> {
  const stops = ending
    .filter(({ status }) => status !== "stopping")
    .map(({ id, nodeName }) => ({ allocation: id, nodeName }));
  return { stops: stops.slice(0, limits.planListedMax), stopped: stops.length };
}

function unplacedOf({ unplaced, noFit }: Placed): Pick<PlanResult, "unplaced" | "noFit"> {
  return { unplaced: unplaced.length, noFit };
}
