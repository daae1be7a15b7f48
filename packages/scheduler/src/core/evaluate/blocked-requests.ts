import type { NoFit } from "@berth/protocol";
import { gangOf, startsTogether } from "../state/gang.ts";
import type { Hold } from "../queue/holds.ts";
import type { PlacementRequest } from "../place/placement-request.ts";
import { canonicalText } from "../state/canonical-text.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import type { GangLack } from "./place-gang.ts";

/** What is in the way: nodes that do not fit, or who keeps the room. */
export type Obstacle = NoFit | GangLack | Hold;

const texts = new WeakMap<PlacementRequest, string>();

/**
 * Requests that were found to fit nowhere in this pass. A pass only takes room, so whoever asks the
 * same with the same room kept from it needs not be looked for again.
 */
export class BlockedRequests {
  private readonly found = new Map<string, Obstacle>();

  find(key: string): Obstacle | null {
    return this.found.get(key) ?? null;
  }

  /** Room was made. */
  clear(): void {
    this.found.clear();
  }

  add(key: string, blocked: Obstacle): void {
    this.found.set(key, blocked);
  }
}

/** Equal for workloads that fit on the same nodes. */
export function requestKey(
  workload: WorkloadRecord,
  request: PlacementRequest,
  holds: readonly Hold[],
): string {
  const kept = holds.map(({ holder }) => holder.id).join(" ");
  // What may go where depends on where the others of the workload are.
  const own = request.distinct.length > 0 ? workload.id : "";
  return `${own} ${kept} ${togetherText(workload)} ${requestText(request)}`;
}

/** Equal for workloads of which as many have to fit at once. */
export function togetherText(workload: WorkloadRecord): string {
  const gang = gangOf(workload.spec);
  return gang === null ? "" : `${startsTogether(workload)} ${gang.within ?? ""}`;
}

/** Equal for requests that fit on the same nodes. */
export function requestText(request: PlacementRequest): string {
  const known = texts.get(request);
  if (known !== undefined) return known;
  // Preferences and the count do not decide where it fits.
  const { affinities: _, spread: __, locality: ___, count: ____, ...rest } = request;
  const text = canonicalText(rest);
  texts.set(request, text);
  return text;
}
