import type { WorkloadId } from "@berth/protocol";
import type { WorkloadRecord } from "./cluster-state.ts";
import { hopesForRoom } from "./hopeful.ts";

interface Waiting {
  readonly id: WorkloadId;
  readonly number: number;
}

/**
 * Workloads that wait for room they may have some day, in a line for each project and priority,
 * oldest first. Only the first of a line can be ahead of anybody else, so that nobody has to walk
 * along a long queue to find who is.
 */
export class WaitingLines {
  readonly #lines = new Map<string, Waiting[]>();
  readonly #lineOf = new Map<WorkloadId, string>();

  /** What is said of it now counts. */
  note({ id, number, spec, pending }: WorkloadRecord): void {
    const isWaiting = spec.kind !== "system" && hopesForRoom(pending);
    const key = isWaiting ? `${spec.priority} ${spec.project}` : undefined;
    if (key === this.#lineOf.get(id)) return;
    this.#leave(id, number);
    if (key === undefined) return;
    this.#lineOf.set(id, key);
    const line = this.#lines.get(key) ?? [];
    if (line.length === 0) this.#lines.set(key, line);
    line.splice(positionOf(line, number), 0, { id, number });
  }

  forget({ id, number }: Waiting): void {
    this.#leave(id, number);
  }

  /** Of each line the oldest that is not among those to be passed over. */
  *first(passedOver: ReadonlySet<WorkloadId>): Generator<WorkloadId> {
    for (const line of this.#lines.values()) {
      const first = line.find(({ id }) => !passedOver.has(id));
      if (first) yield first.id;
    }
  }

  #leave(id: WorkloadId, number: number): void {
    const key = this.#lineOf.get(id);
    const line = key === undefined ? undefined : this.#lines.get(key);
    if (key === undefined || line === undefined) return;
    this.#lineOf.delete(id);
    line.splice(positionOf(line, number), 1);
    if (line.length === 0) this.#lines.delete(key);
  }
}

/** Where one of that number is, or belongs: numbers are given once, and mostly in order. */
function positionOf(line: readonly Waiting[], number: number): number {
  let [low, high] = [0, line.length];
  if ((line.at(-1)?.number ?? 0) < number) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((line[middle]?.number ?? 0) < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
