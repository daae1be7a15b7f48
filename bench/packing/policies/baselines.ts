import { GPUS_PER_NODE_MAX, isShare, type Cluster, type Request } from "../cluster.ts";
import type { Offer, Policy, PolicyFactory, Situation } from "../policy.ts";
import { GPU_MILLIS } from "../trace.ts";

/** The published simulator's largest node, by which it normalises (its `MaxSpecCpu`, `MaxSpecGpu`). */
const MAX_CPU_MILLIS = 128_000;
const MAX_GPU_MILLIS = 8_000;
const MAX_SCORE = 100;

/** Any node that fits, any GPU that fits, with equal chance. */
export const randomFit: PolicyFactory = ({ cluster, requests, random }) => ({
  ties: "any",
  observe: () => true,
  offer(node, task, into) {
    const { gpuMillis } = requests[task] as Request;
    const first = node * GPUS_PER_NODE_MAX;
    let found = 0;
    into.score = 0;
    for (let gpu = 0; gpu < (cluster.gpuCount[node] as number); gpu++) {
      const isRoomy = (cluster.gpuFree[first + gpu] as number) >= gpuMillis;
      if (isRoomy && random.below(++found) === 0) into.gpu = gpu;
    }
  },
});

/** The first node that fits, in a random order fixed for the run. */
export const firstFit: PolicyFactory = (situation) => scored(situation, () => 0);

/** Least of the normalised cpu and GPU left over, equal weights. */
export const bestFit: PolicyFactory = (situation) =>
  scored(situation, (cluster, node, request) => {
    const cpu = ((cluster.cpuFree[node] as number) - request.cpuMillis) / MAX_CPU_MILLIS;
    const gpuLeft = totalGpuFree(cluster, node) - request.gpuCount * request.gpuMillis;
    return Math.trunc((1 - (cpu + gpuLeft / MAX_GPU_MILLIS) / 2) * MAX_SCORE);
  });

/** Smallest inner product of free and requested (cpu, GPU) vectors; Grandl et al., "Tetris", 2014. */
export const dotProduct: PolicyFactory = (situation) =>
  scored(situation, (cluster, node, request) => {
    const cpu =
      ((cluster.cpuFree[node] as number) / MAX_CPU_MILLIS) * (request.cpuMillis / MAX_CPU_MILLIS);
    const gpu =
      (totalGpuFree(cluster, node) / MAX_GPU_MILLIS) *
      ((request.gpuCount * request.gpuMillis) / MAX_GPU_MILLIS);
    return Math.trunc((1 - (cpu + gpu) / 2) * MAX_SCORE);
  });

/** Shared GPUs first, then idle GPUs of used nodes, then idle nodes; Xiao et al., "AntMan", 2020. */
export const gpuPacking: PolicyFactory = (situation) =>
  scored(situation, (cluster, node, request) => {
    if (request.gpuCount === 0) return 0;
    const idle = cluster.idleGpus[node] as number;
    if (idle === cluster.gpuCount[node]) return Math.max(Math.trunc(MAX_SCORE / 3) - idle, idle);
    const wholeGpus = isShare(request) ? 0 : request.gpuCount;
    const smallest = wholeGpus > 0 ? GPU_MILLIS : smallestFit(cluster, node, request.gpuMillis);
    if (smallest === GPU_MILLIS) return MAX_SCORE / 2 - Math.max(1, wholeGpus);
    return MAX_SCORE - Math.trunc(Math.trunc(smallest / 10) / 10);
  });

/** Nodes that already run tasks of the same GPU need first; Xiao et al., "Gandiva", 2018. */
export const gpuClustering: PolicyFactory = (situation) => {
  const { cluster, requests } = situation;
  /** Bit per kind of GPU need seen on each node: bit 0 shares, bit n tasks of n whole GPUs. */
  const kinds = new Uint32Array(cluster.nodeCount);
  const kindOf = (request: Request): number =>
    isShare(request) ? 1 : (1 << request.gpuCount) >>> 0;
  let arriving = 0;
  const policy = scored(situation, (_, node, request) => {
    if (request.gpuCount === 0) return 0;
    const seen = kinds[node] as number;
    const kind = kindOf(request);
    const band = (seen & kind) !== 0 ? (seen === kind ? 3 : 2) : seen === 0 ? 1 : 0;
    const quarter = MAX_SCORE / 4;
    const used = MAX_GPU_MILLIS - totalGpuFree(cluster, node);
    return Math.trunc((quarter * used) / MAX_GPU_MILLIS) + quarter * band;
  });
  return {
    ...policy,
    observe(task) {
      arriving = task;
      return false;
    },
    granted(node) {
      const request = requests[arriving] as Request;
      if (request.gpuCount > 0) kinds[node] = (kinds[node] as number) | kindOf(request);
    },
  };
};

/** A policy that scores nodes, gives a share to the fullest GPU that fits, and ties to the first. */
function scored(
  { cluster, requests }: Situation,
  score: (cluster: Cluster, node: number, request: Request) => number,
): Policy {
  return {
    ties: "first",
    offer(node: number, task: number, into: Offer) {
      const request = requests[task] as Request;
      into.score = score(cluster, node, request);
      into.gpu = isShare(request) ? fullestGpu(cluster, node, request.gpuMillis) : 0;
    },
  };
}

function fullestGpu(cluster: Cluster, node: number, gpuMillis: number): number {
  const first = node * GPUS_PER_NODE_MAX;
  let chosen = -1;
  let least = GPU_MILLIS + 1;
  for (let gpu = 0; gpu < (cluster.gpuCount[node] as number); gpu++) {
    const free = cluster.gpuFree[first + gpu] as number;
    if (free < gpuMillis || free >= least) continue;
    least = free;
    chosen = gpu;
  }
  return chosen;
}

function smallestFit(cluster: Cluster, node: number, gpuMillis: number): number {
  const gpu = fullestGpu(cluster, node, gpuMillis);
  return cluster.gpuFree[node * GPUS_PER_NODE_MAX + gpu] as number;
}

function totalGpuFree(cluster: Cluster, node: number): number {
  const first = node * GPUS_PER_NODE_MAX;
  let total = 0;
  for (let gpu = 0; gpu < (cluster.gpuCount[node] as number); gpu++) {
    total += cluster.gpuFree[first + gpu] as number;
  }
  return total;
}
