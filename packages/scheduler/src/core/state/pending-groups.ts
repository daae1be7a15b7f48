import type { PendingGroup } from "@berth/protocol";
import {
  countIndexes,
  hasIndex,
  type IndexRange,
  withIndex,
  withoutIndex,
} from "./index-ranges.ts";

/**
 * Edits of a workload's waiting indexes between two evaluations, so that at every moment each index
 * without a live allocation is in exactly one group: the next evaluation only refines the reason.
 */
export function withoutPending(groups: readonly PendingGroup[], index: number): PendingGroup[] {
  return groups.flatMap((group) => {
    if (!hasIndex(group.indexes, index)) return [group];
    const indexes = withoutIndex(group.indexes, index);
    return indexes.length === 0 ? [] : [groupOf(indexes, group.explanation)];
  });
}

/** Moves an index to the group of those that the scheduler has not reached yet. */
export function withQueued(groups: readonly PendingGroup[], index: number): PendingGroup[] {
  const others = withoutPending(groups, index);
  const queued = others.find((group) => group.explanation.reason === "queued");
  return [
    ...others.filter((group) => group !== queued),
    groupOf(withIndex(queued?.indexes ?? [], index), { reason: "queued" }),
  ];
}

export function groupOf(
  indexes: IndexRange[],
  explanation: PendingGroup["explanation"],
): PendingGroup {
  return { count: countIndexes(indexes), indexes, explanation };
}

/** When the earliest backoff among the groups ends; null when none waits for one. */
export function earliestRetryUnixMs(groups: readonly PendingGroup[]): number | null {
  let earliest: number | null = null;
  for (const { explanation } of groups) {
    if (explanation.reason !== "backoff") continue;
    if (earliest === null || explanation.untilUnixMs < earliest) earliest = explanation.untilUnixMs;
  }
  return earliest;
}

export function isBlocked(groups: readonly PendingGroup[]): boolean {
  return groups.some(({ explanation }) => explanation.reason === "no_fit");
}
