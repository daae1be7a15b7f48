import { limits, type PendingExplanation, type PendingGroup } from "@berth/protocol";
import { canonicalText } from "../state/canonical-text.ts";
import { rangesOf } from "../state/index-ranges.ts";
import { cutRanges, groupOf } from "../state/pending-groups.ts";

/** One index that waits, and why. */
export interface Waiting {
  readonly index: number;
  readonly explanation: PendingExplanation;
}

const reasonOrder = [
  "no_fit",
  "gang",
  "quota",
  "behind",
  "preempting",
  "backoff",
  "update",
  "predecessor",
  "queued",
] as const;

/**
 * Indexes that wait for the same reason, together; the worst reason first. Should there be more
 * reasons than anyone reads, those of one kind share the explanation of the one that ends first.
 */
export function groupPending(waiting: readonly Waiting[]): PendingGroup[] {
  const exact = groupBy(waiting, ({ explanation }) => keyOf(explanation));
  const groups =
    exact.length <= limits.pendingGroupsMax
      ? exact
      : groupBy(waiting, ({ explanation }) => explanation.reason);
  return cutRanges(groups).sort(
    (a, b) =>
      reasonOrder.indexOf(a.explanation.reason) - reasonOrder.indexOf(b.explanation.reason) ||
      (a.indexes[0]?.[0] ?? 0) - (b.indexes[0]?.[0] ?? 0),
  );
}

/** Whether the same indexes wait for the same reasons, in the same order. */
export function samePending(a: readonly PendingGroup[], b: readonly PendingGroup[]): boolean {
  return (
    a.length === b.length &&
    a.every((group, at) => {
      const other = b[at];
      return (
        other !== undefined &&
        group.count === other.count &&
        JSON.stringify(group.indexes) === JSON.stringify(other.indexes) &&
        keyOf(group.explanation) === keyOf(other.explanation)
      );
    })
  );
}

function groupBy(
  waiting: readonly Waiting[],
  keyFor: (waiting: Waiting) => string,
): PendingGroup[] {
  const members = new Map<string, { indexes: number[]; explanation: PendingExplanation }>();
  for (const one of waiting) {
    const key = keyFor(one);
    const known = members.get(key);
    if (!known) members.set(key, { indexes: [one.index], explanation: one.explanation });
    else {
      known.indexes.push(one.index);
      known.explanation = soonest(known.explanation, one.explanation);
    }
  }
  return [...members.values()].map(({ indexes, explanation }) =>
    groupOf(rangesOf(indexes.sort((a, b) => a - b)), explanation),
  );
}

/** The wake-up is taken from the group: it must not come after any member's own. */
function soonest(a: PendingExplanation, b: PendingExplanation): PendingExplanation {
  if (a.reason !== "backoff" || b.reason !== "backoff") return a;
  return b.untilUnixMs < a.untilUnixMs ? b : a;
}

const keys = new WeakMap<PendingExplanation, string>();

/** Thousands of indexes share one explanation object: its text is made once. */
function keyOf(explanation: PendingExplanation): string {
  const known = keys.get(explanation);
  if (known !== undefined) return known;
  const key = canonicalText(explanation);
  keys.set(explanation, key);
  return key;
}
