import { type AllocationRecord, type ClusterState, eventsAfter } from "@berth/scheduler/state";

type Plain = Readonly<Record<string, unknown>>;

/**
 * A state as plain values, all of it but the agenda, which a restored state begins anew. Written without
 * the code that writes and hashes snapshots, so that what that forgets is missed here.
 */
export function plainState(state: ClusterState): Plain {
  const { agenda: _agenda, nodes, workloads, allocations, events, ...rest } = state;
  return {
    ...rest,
    explanations: [...state.explanations],
    answers: [...state.answers],
    events: eventsAfter(events, 0),
    droppedThroughSeq: events.droppedThroughSeq,
    allocations: [...allocations.values()].map(plainAllocation),
    ...entriesOf("node", nodes, ({ live, stopping, desired, ...node }) => {
      return { ...node, live: [...live], stopping: new Set(stopping), desired: [...desired] };
    }),
    ...entriesOf("workload", workloads, ({ slots, ...workload }) => {
      return { ...workload, slots: [...slots.values()] };
    }),
  };
}

/** The first part in which two states differ; null when they are equal. */
export function differenceOf(one: Plain, other: Plain): string | null {
  const parts = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...parts].find((part) => !isSame(one[part], other[part])) ?? null;
}

/** Equal as JSON has values: neither -0 nor what is undefined survives it, and no map has an order. */
function isSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (one instanceof Set && other instanceof Set) {
    return one.size === other.size && [...one].every((item) => other.has(item));
  }
  if (one instanceof Map && other instanceof Map) {
    return one.size === other.size && [...one].every(([key, item]) => isSame(item, other.get(key)));
  }
  if (Array.isArray(one) || Array.isArray(other)) return isSameArray(one, other);
  return isSamePart(one as Plain, other as Plain) && isSamePart(other as Plain, one as Plain);
}

function isSameArray(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other) || one.length !== other.length) return false;
  return one.every((item, i) => isSame(item, other[i]));
}

/** What one has, the other has. */
function isSamePart(one: Plain, other: Plain): boolean {
  for (const key in one) if (!isSame(one[key], other[key])) return false;
  return true;
}

function entriesOf<Key extends string, Value>(
  what: string,
  map: ReadonlyMap<Key, Value>,
  plain: (value: Value) => unknown,
): Plain {
  const parts = [...map].map(([key, value]) => [`${what} ${key}`, plain(value)]);
  return { [`order of ${what}s`]: [...map.keys()], ...Object.fromEntries(parts) };
}

/** What a record shows by itself is not its own, in terms of the language. */
function plainAllocation(allocation: AllocationRecord): Plain {
  return Object.fromEntries(allocationFields.map((field) => [field, allocation[field]]));
}

const allocationFields = [
  "id",
  "revision",
  "index",
  "attempt",
  "place",
  "granted",
  "placedAtUnixMs",
  "status",
  "health",
  "stopReason",
  "pid",
  "startedAtUnixMs",
  "message",
  "exit",
  "finishedAtUnixMs",
] as const satisfies readonly (keyof AllocationRecord)[];
