import { limits, type PendingGroup } from "@berth/protocol";
import {
  countIndexes,
  eachIndex,
  hasIndex,
  type IndexRange,
  rangesOf,
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

/**
 * Scattered indexes may make more ranges than an event holds. Each group then lists its first ones
 * only; the indexes that no group lists go back to the queue.
 */
export function cutRanges(groups: PendingGroup[]): PendingGroup[] {
  const ranges = groups.reduce((sum, { indexes }) => sum + indexes.length, 0);
  if (ranges <= limits.pendingRangesMax) return groups;
  const each = rangesPerGroup(groups);
  return groups.map(({ indexes, explanation }) => groupOf(indexes.slice(0, each), explanation));
}

/** Completes what `cutRanges` may have shortened by the waiting indexes that are not listed. */
export function withUnlistedQueued(
  groups: readonly PendingGroup[],
  waiting: () => Iterable<number>,
): PendingGroup[] {
  const isCut = groups.some(({ indexes }) => indexes.length >= rangesPerGroup(groups));
  if (!isCut) return [...groups];
  const listed = new Set<number>();
  for (const group of groups) for (const index of eachIndex(group.indexes)) listed.add(index);
  return [...groups, ...queuedGroup([...waiting()].filter((index) => !listed.has(index)))];
}

/** A group of indexes, given in ascending order, that the scheduler has not reached yet. */
export function queuedGroup(indexes: readonly number[]): PendingGroup[] {
  return indexes.length === 0 ? [] : [groupOf(rangesOf(indexes), { reason: "queued" })];
}

function rangesPerGroup(groups: readonly PendingGroup[]): number {
  return Math.floor(limits.pendingRangesMax / groups.length);
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

/** Something waits for room: on a node, or under a limit. */
export function isBlocked(groups: readonly PendingGroup[]): boolean {
  return groups.some(({ explanation: { reason } }) => waitsForRoom.has(reason));
}

const waitsForRoom: ReadonlySet<PendingGroup["explanation"]["reason"]> = new Set([
  "no_fit",
  "gang",
  "quota",
  "behind",
  "preempting",
] as const);
