import type { WorkloadId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";
import { classKey, classOf, type DemandClass, tasksWanted } from "./demand.ts";

/** Demand has changed when this part of what was priced is no longer, or came anew: one in … */
const CHANGED_PART = 4;

interface Counted {
  readonly task: DemandClass;
  count: number;
  /** Its count when prices were last made. */
  priced: number;
}

/** Demand with GPUs and demand without are measured apart: little of one may be all of the other. */
interface Drift {
  /** What was there when prices were last made, and how much came or went since, class by class. */
  priced: number;
  moved: number;
}

/**
 * How many tasks of each class run or wait, kept as workloads change: a change costs one workload, not
 * the cluster. Its content depends on the workloads noted and on nothing else, in no order.
 */
export class DemandHistogram {
  readonly #classes = new Map<string, Counted>();
  readonly #noted = new Map<WorkloadId, { readonly key: string; readonly count: number }>();
  readonly #gpus: Drift = { priced: 0, moved: 0 };
  readonly #cpu: Drift = { priced: 0, moved: 0 };

  /** Counts the workload as it is now, in place of what it was when last noted. */
  note(workload: WorkloadRecord): void {
    const count = tasksWanted(workload);
    this.forget(workload.id);
    if (count === 0) return;
    const task = classOf(workload.spec, 0);
    const key = classKey(task);
    const known = this.#classes.get(key);
    if (!known) this.#classes.set(key, { task, count: 0, priced: 0 });
    this.#noted.set(workload.id, { key, count });
    this.#add(key, count);
  }

  /** The workload is no more. */
  forget(id: WorkloadId): void {
    const noted = this.#noted.get(id);
    if (!noted) return;
    this.#noted.delete(id);
    this.#add(noted.key, -noted.count);
  }

  /** Every class that is wanted, in an order of the classes' own. */
  classes(): DemandClass[] {
    return [...this.#classes]
      .filter(([, { count }]) => count > 0)
      .sort(([a], [b]) => byCodeUnit(a, b))
      .map(([, { task, count }]) => ({ ...task, count }));
  }

  /** Whether a quarter of the demand, with GPUs or without, is not what prices were made of. */
  get hasChanged(): boolean {
    return isFar(this.#gpus) || isFar(this.#cpu);
  }

  /** From here on, changes are counted against the demand as it is now. */
  markPriced(): void {
    for (const drift of [this.#gpus, this.#cpu]) {
      drift.priced = 0;
      drift.moved = 0;
    }
    for (const [key, counted] of this.#classes) {
      counted.priced = counted.count;
      if (counted.count === 0) this.#classes.delete(key);
      else this.#driftOf(counted.task).priced += counted.count * weightOf(counted.task);
    }
  }

  #add(key: string, tasks: number): void {
    const counted = this.#classes.get(key);
    assert(counted, `no class ${key}`);
    const before = Math.abs(counted.count - counted.priced);
    counted.count += tasks;
    assert(counted.count >= 0, `fewer than no tasks of ${key}`);
    const after = Math.abs(counted.count - counted.priced);
    this.#driftOf(counted.task).moved += (after - before) * weightOf(counted.task);
  }

  #driftOf({ gpuCount }: DemandClass): Drift {
    return gpuCount > 0 ? this.#gpus : this.#cpu;
  }
}

/** What a task weighs in the demand: its GPUs, else its cpu. */
function weightOf({ gpuCount, gpuMillis, cpuMillis }: DemandClass): number {
  return gpuCount > 0 ? gpuCount * gpuMillis : cpuMillis;
}

function isFar({ priced, moved }: Drift): boolean {
  return moved > 0 && moved * CHANGED_PART >= priced;
}
