import { WHOLE_GPU_MILLIS, type WorkloadSpec } from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { WorkloadRecord } from "../state/cluster-state.ts";

/** One class of demand: what a task of it needs, and how many such tasks there are. */
export interface Demand {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly networkMbps: number;
  readonly gpuCount: number;
  /** Of each GPU; less than a whole one only when `gpuCount` is 1, and 0 when that is 0. */
  readonly gpuMillis: number;
  readonly count: number;
}

/** A class with the devices it accepts. */
export interface DemandClass extends Demand {
  /** Parts of model names in lower case, any of which may match, sorted; empty accepts any. */
  readonly models: readonly string[];
  /** Least memory of each GPU; of a share, what it takes of it. */
  readonly gpuMemoryMiB: number;
}

/**
 * Tasks of the workload that run or wait to: what the cluster has to hold now. Long tasks weigh more
 * than short ones because they are there longer, as they should. What must run on every node anyway
 * leaves nothing to choose and is no demand.
 */
export function tasksWanted({ spec, stopped, counts }: WorkloadRecord): number {
  if (stopped) return 0;
  switch (spec.kind) {
    case "system":
      return 0;
    case "service":
      return spec.count;
    case "batch":
      return Math.max(0, spec.count - counts.complete - counts.failed);
  }
}

/**
 * The class of a workload's tasks, `count` of them. What asks for a slice of a partitioned GPU leaves
 * whole GPUs and their shares alone: to prices it is work without GPUs.
 */
export function classOf({ resources }: WorkloadSpec, count: number): DemandClass {
  const { cpuMillis, memoryMiB, diskMiB, networkMbps } = resources;
  const gpu = resources.gpu?.slice === undefined ? resources.gpu : null;
  const models = new Set(gpu?.models.map((model) => model.toLowerCase()));
  return {
    cpuMillis,
    memoryMiB,
    diskMiB,
    networkMbps,
    gpuCount: gpu?.count ?? 0,
    gpuMillis: gpu ? (gpu.shareMillis ?? WHOLE_GPU_MILLIS) : 0,
    models: [...models].sort(byCodeUnit),
    gpuMemoryMiB: gpu?.memoryMiB ?? 0,
    count,
  };
}

/** Equal for classes that differ in `count` alone. */
export function classKey(task: DemandClass): string {
  const { cpuMillis, memoryMiB, diskMiB, networkMbps, gpuCount, gpuMillis, gpuMemoryMiB } = task;
  const amounts = [cpuMillis, memoryMiB, diskMiB, networkMbps, gpuCount, gpuMillis, gpuMemoryMiB];
  return [...amounts, ...task.models].join(" ");
}
