import { createRandom, shuffle } from "../random.ts";
import { requestedGpuMillis, type TaskList } from "./trace.ts";

/** Demand offered to the cluster, as a percentage of its GPU capacity, when arrivals end. */
export const OFFERED_PERCENT = 130;

/**
 * The arrivals of one run: every task of the list once, shuffled by the seed, then uniform draws with
 * replacement until the next would pass 130 % of `gpuCapacityMillis` (Weng, Yang et al., "Beware of
 * Fragmentation", USENIX ATC '23, section 6). Tasks are class numbers.
 */
export function drawArrivals(list: TaskList, gpuCapacityMillis: number, seed: number): number[] {
  const random = createRandom(seed);
  const gpuMillis = list.classes.map(requestedGpuMillis);
  const shuffled = [...list.tasks];
  shuffle(shuffled, random);

  const limit = (gpuCapacityMillis * OFFERED_PERCENT) / 100;
  const arrivals: number[] = [];
  let offered = 0;
  for (const task of shuffled) {
    if (offered + (gpuMillis[task] ?? 0) > limit) return arrivals;
    offered += gpuMillis[task] ?? 0;
    arrivals.push(task);
  }
  if (offered === 0) return arrivals;
  for (;;) {
    const task = list.tasks[random.below(list.tasks.length)] ?? 0;
    if (offered + (gpuMillis[task] ?? 0) > limit) return arrivals;
    offered += gpuMillis[task] ?? 0;
    arrivals.push(task);
  }
}
