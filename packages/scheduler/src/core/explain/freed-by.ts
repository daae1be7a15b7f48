import {
  type FreedBy,
  limits,
  type NearestFit,
  type NoFit,
  type PendingExplanation,
} from "@berth/protocol";
import type { PlacementRequest } from "../place/placement-request.ts";
import type { NodeUsage } from "../place/ledger.ts";
import type { Surroundings } from "../place/surroundings.ts";
import type { AllocationRecord, ClusterState, NodeRecord } from "../state/cluster-state.ts";
import { fewestEnds } from "./fewest-ends.ts";

/** Where and when it is asked what would have to end. */
export interface FreeingContext {
  readonly state: ClusterState;
  readonly nowUnixMs: number;
  readonly request: PlacementRequest;
  readonly surroundings: Surroundings;
  readonly usageOf: (node: NodeRecord) => NodeUsage;
  /** Allocations that the usage no longer counts although the state has them. */
  readonly hasEnded?: (allocation: AllocationRecord) => boolean;
}

/** The explanation, with what would have to end on each of the nearest nodes as things are now. */
export function explainFreeing(
  explanation: PendingExplanation,
  context: FreeingContext,
): PendingExplanation {
  switch (explanation.reason) {
    case "no_fit":
      return withFreeing(explanation, context);
    case "gang": {
      const { noFit } = explanation;
      return noFit === null ? explanation : { ...explanation, noFit: withFreeing(noFit, context) };
    }
    default:
      return explanation;
  }
}

function withFreeing(noFit: NoFit, context: FreeingContext): NoFit {
  return { ...noFit, nearest: noFit.nearest.map((fit) => withFreedBy(fit, context)) };
}

function withFreedBy(fit: NearestFit, context: FreeingContext): NearestFit {
  const { state, request, surroundings, usageOf, hasEnded = () => false } = context;
  const node = state.nodes.get(fit.nodeId);
  if (!node) return fit;
  const live = [...node.live]
    .flatMap((id) => state.allocations.get(id) ?? [])
    .filter((allocation) => !hasEnded(allocation))
    .sort(byImportance);
  const ends = fewestEnds({ request, node, usage: usageOf(node), surroundings }, live);
  return ends === null || ends.length === 0
    ? fit
    : { ...fit, freedBy: freedByOf(ends, context.nowUnixMs) };
}

/** Least important first: by priority, then what has run least, which loses least. */
function byImportance(a: AllocationRecord, b: AllocationRecord): number {
  return (
    a.spec.priority - b.spec.priority || b.placedAtUnixMs - a.placedAtUnixMs || b.number - a.number
  );
}

function freedByOf(ends: readonly AllocationRecord[], nowUnixMs: number): FreedBy {
  const all = ends.map((allocation) => ({
    allocation: allocation.id,
    workload: allocation.workloadId,
    priority: allocation.spec.priority,
    endsByUnixMs: endsByUnixMs(allocation, nowUnixMs),
  }));
  const latest = all.reduce<number | null>(
    (sum, one) =>
      sum === null || one.endsByUnixMs === null ? null : Math.max(sum, one.endsByUnixMs),
    nowUnixMs,
  );
  return {
    count: all.length,
    allocations: all.slice(0, limits.freeingListedMax),
    endsByUnixMs: latest,
  };
}

/** What is being stopped has its grace left at most; a time limit counts from the placement. */
function endsByUnixMs(
  { status, spec, placedAtUnixMs }: AllocationRecord,
  nowUnixMs: number,
): number | null {
  if (status === "stopping") return nowUnixMs + spec.stop.graceMs;
  const timeLimitMs = spec.placement?.timeLimitMs;
  if (timeLimitMs === undefined) return null;
  return Math.max(nowUnixMs, placedAtUnixMs + timeLimitMs) + spec.stop.graceMs;
}
