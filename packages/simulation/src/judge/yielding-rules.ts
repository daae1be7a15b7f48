import type { ClusterEvent, EventOf, WorkloadId, WorkloadSpec } from "@berth/protocol";
import { type ClusterState, isAvailable, type WorkloadRecord } from "@berth/scheduler/state";
import { demand, Violation } from "./violation.ts";

/** Where bands begin, least important first. */
const BANDS = [0, 20, 60, 90];

/** Work gives way to work that waits, of a more important band, and no more of it than it can bear. */
export function checkYielding(
  state: ClusterState,
  workload: WorkloadRecord,
  { allocationId: id, reason, onBehalfOf }: EventOf<"AllocationStopRequested">,
): void {
  // A reservation that begins is nobody's workload.
  if (onBehalfOf === undefined && reason === "reclaimed") return;
  const other = onBehalfOf === undefined ? undefined : state.workloads.get(onBehalfOf);
  if (!other) throw new Violation("RULE", `${id} gives way to nobody`);
  demand(!other.stopped, "RULE", () => `${id} gives way to ${other.id}, which is stopped`);
  // Which nodes a system lacks, nothing in the state says.
  const waits = other.spec.kind === "system" || other.pending.length > 0;
  demand(waits, "RULE", () => `${id} gives way to ${other.id}, of which nothing waits`);
  const allocation = state.allocations.get(id);
  if (allocation && isAvailable(allocation)) checkBudget(state, workload, id);
  if (reason === "reclaimed") return;
  const isMore = bandOf(other.spec) > bandOf(workload.spec);
  demand(isMore, "RULE", () => `${id} is preempted by ${other.id}, of no more important a band`);
  const mayPreempt = other.spec.placement?.preempts !== false;
  demand(mayPreempt, "RULE", () => `${id} is preempted by ${other.id}, which does not preempt`);
}

function bandOf({ priority }: WorkloadSpec): number {
  return BANDS.findLastIndex((from) => priority >= from);
}

/** No more of a workload is down for others' sake than it says. */
export function checkBudget(state: ClusterState, workload: WorkloadRecord, id: string): void {
  const max = budgetOf(workload.spec);
  if (max === null || workload.stopped) return;
  const unavailable = unavailableOf(state, workload);
  demand(
    unavailable < max,
    "RULE",
    () => `${id} is stopped for others with ${unavailable} of ${max} unavailable`,
  );
}

/** How many may be down for others' sake; null: any number. */
function budgetOf(spec: WorkloadSpec): number | null {
  const { disruptionMaxUnavailable, gang } = spec.placement ?? {};
  if (disruptionMaxUnavailable !== undefined) return disruptionMaxUnavailable;
  return spec.kind === "batch" || gang !== undefined ? null : spec.update.maxUnavailable;
}

function unavailableOf(state: ClusterState, { spec, slots }: WorkloadRecord): number {
  const wanted =
    spec.kind === "system"
      ? [...slots.values()].filter(({ live }) => live !== null).map(({ index }) => index)
      : Array.from({ length: spec.count }, (_, index) => index);
  return wanted.filter((index) => {
    const slot = slots.get(index);
    if (slot?.done) return false;
    const live = slot?.live ? state.allocations.get(slot.live) : undefined;
    return !live || !isAvailable(live);
  }).length;
}

/**
 * Nobody gives way in vain: whoever others were stopped for is placed, or does not want it any more.
 * What else changes where things may run excuses it: the room may be gone.
 */
export class OwedPlaces {
  readonly #owed = new Set<WorkloadId>();

  follow(event: ClusterEvent): void {
    switch (event.type) {
      case "AllocationStopRequested":
        if (event.onBehalfOf !== undefined) this.#owed.add(event.onBehalfOf);
        break;
      case "AllocationPlaced":
      case "WorkloadApplied":
      case "WorkloadStopped":
      case "WorkloadRemoved":
        this.#owed.delete(event.workloadId);
        break;
      case "NodeRegistered":
      case "NodeStatusChanged":
      case "NodeEligibilityChanged":
      case "NodeRemoved":
      case "ProjectConfigured":
      case "ProjectRemoved":
      case "PoolConfigured":
      case "ReservationMade":
        this.#owed.clear();
        break;
      default:
    }
  }

  /** Those that still wait, in words. */
  unpaid({ workloads }: ClusterState): string[] {
    return [...this.#owed]
      .filter((id) => (workloads.get(id)?.pending ?? []).length > 0)
      .map((id) => `others were stopped for ${id}, and it has no place`);
  }
}
