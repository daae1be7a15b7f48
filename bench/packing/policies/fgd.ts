import { GPUS_PER_NODE_MAX, isShare, type Cluster, type Request } from "../cluster.ts";
import type { Policy, PolicyFactory, Situation } from "../policy.ts";
import { GPU_MILLIS } from "../trace.ts";

/** Share of the list whose classes, most frequent first, FGD counts as typical. */
const TYPICAL_SHARE = 0.95;

/** Expected GPU thousandths a node keeps free that the next task could not use, for one GPU model. */
interface UnusableTable {
  /** Chance that the next task cannot use free GPU, by (cpu rank, GPU level); see {@link fragmentation}. */
  readonly partial: Float64Array;
  /** The same for wholly idle GPUs, by (cpu rank, how many are idle). */
  readonly idle: Float64Array;
}

/** Fragmentation measured against a demand histogram. */
export interface Fragmentation {
  /** Expected unusable GPU thousandths of a node after taking cpu and, from GPU `gpu`, a share. */
  after(node: number, cpuMillis: number, gpu: number, gpuMillis: number, wholeGpus: number): number;
}

/**
 * Fragmentation Gradient Descent (Weng, Yang et al., "Beware of Fragmentation", USENIX ATC '23,
 * section 4, and the authors' simulator): a task goes where the GPU capacity that the expected next
 * task could not use grows least. Scores are truncated to integers 0 … 100 as published.
 */
export const fgd: PolicyFactory = (situation) => createFgd(situation, TYPICAL_SHARE);

/** FGD with every class of the list in its histogram. */
export const fgdAllClasses: PolicyFactory = (situation) => createFgd(situation, 1);

function createFgd(situation: Situation, typicalShare: number): Policy {
  const { cluster, requests, histogram } = situation;
  const weights = typicalWeights(histogram, typicalShare);
  const fragmentation = createFragmentation(cluster, requests, weights);
  const published = (before: number, after: number): number =>
    Math.trunc(100 / (1 + Math.exp((after - before) / GPU_MILLIS)));

  return {
    ties: "first",
    offer(node, task, into) {
      const request = requests[task] as Request;
      const { cpuMillis, gpuMillis } = request;
      const before = fragmentation.after(node, 0, -1, 0, 0);
      if (!isShare(request)) {
        into.score = published(
          before,
          fragmentation.after(node, cpuMillis, -1, 0, request.gpuCount),
        );
        return;
      }
      const first = node * GPUS_PER_NODE_MAX;
      into.score = -1;
      for (let gpu = 0; gpu < (cluster.gpuCount[node] as number); gpu++) {
        if ((cluster.gpuFree[first + gpu] as number) < gpuMillis) continue;
        const after = fragmentation.after(node, cpuMillis, gpu, gpuMillis, 0);
        const score = published(before, after);
        if (score <= into.score) continue;
        into.score = score;
        into.gpu = gpu;
      }
    },
  };
}

/** The most frequent classes that make up `share` of the list, as chances that sum to one. */
export function typicalWeights(histogram: readonly number[], share: number): number[] {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  const byFrequency = histogram.map((_, task) => task);
  byFrequency.sort((a, b) => (histogram[b] ?? 0) - (histogram[a] ?? 0) || a - b);
  const weights = histogram.map(() => 0);
  let covered = 0;
  for (const task of byFrequency) {
    if (covered >= share * total) break;
    weights[task] = histogram[task] ?? 0;
    covered += histogram[task] ?? 0;
  }
  return weights.map((weight) => (covered === 0 ? 0 : weight / covered));
}

/**
 * A class cannot use a GPU when the node lacks cpu, the model is wrong, too few GPUs are idle, or the
 * GPU has less free than the class asks; cpu-only classes use none. All of that is tabulated by cpu
 * rank and GPU level, so that a node costs one lookup per GPU.
 */
export function createFragmentation(
  cluster: Cluster,
  requests: readonly Request[],
  weights: readonly number[],
): Fragmentation {
  const used = requests.filter((request, task) => request.gpuCount > 0 && (weights[task] ?? 0) > 0);
  const cpuSteps = [...new Set(used.map((request) => request.cpuMillis))].sort((a, b) => a - b);
  const cpuRank = createRank(
    cpuSteps,
    cluster.cpuFree.reduce((a, b) => Math.max(a, b), 0),
  );
  const stride = GPU_MILLIS + 1;
  const tables = cluster.models.map((_, model): UnusableTable => {
    const partial = new Float64Array((cpuSteps.length + 1) * stride).fill(1);
    const idle = new Float64Array((cpuSteps.length + 1) * (GPUS_PER_NODE_MAX + 1)).fill(1);
    for (const [task, request] of requests.entries()) {
      const weight = weights[task] ?? 0;
      if (weight === 0 || request.gpuCount === 0 || ((request.modelMask >> model) & 1) === 0)
        continue;
      for (let rank = cpuSteps.indexOf(request.cpuMillis) + 1; rank <= cpuSteps.length; rank++) {
        if (isShare(request)) {
          for (let level = request.gpuMillis; level < stride; level++) {
            partial[rank * stride + level] = (partial[rank * stride + level] as number) - weight;
          }
        }
        for (let count = request.gpuCount; count <= GPUS_PER_NODE_MAX; count++) {
          const at = rank * (GPUS_PER_NODE_MAX + 1) + count;
          idle[at] = (idle[at] as number) - weight;
        }
      }
    }
    return { partial, idle };
  });

  return {
    after(node, cpuMillis, gpu, gpuMillis, wholeGpus) {
      const table = tables[cluster.model[node] as number] as UnusableTable;
      const rank = cpuRank[(cluster.cpuFree[node] as number) - cpuMillis] as number;
      const first = node * GPUS_PER_NODE_MAX;
      const end = first + (cluster.gpuCount[node] as number);
      let idle = -wholeGpus;
      let unusable = 0;
      for (let at = first; at < end; at++) {
        const free = (cluster.gpuFree[at] as number) - (at - first === gpu ? gpuMillis : 0);
        if (free === GPU_MILLIS) idle++;
        else unusable += free * (table.partial[rank * stride + free] as number);
      }
      const idleAt = rank * (GPUS_PER_NODE_MAX + 1) + idle;
      return unusable + idle * GPU_MILLIS * (table.idle[idleAt] as number);
    },
  };
}

/** For every value up to `max`, how many of the ascending `steps` it reaches. */
function createRank(steps: readonly number[], max: number): Uint16Array {
  const rank = new Uint16Array(max + 1);
  for (let value = 0, reached = 0; value <= max; value++) {
    while (reached < steps.length && (steps[reached] as number) <= value) reached++;
    rank[value] = reached;
  }
  return rank;
}
