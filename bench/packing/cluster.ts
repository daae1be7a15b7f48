import type { Demand } from "@berth/scheduler/price";
import { GPU_MILLIS, TraceError, type TaskClass, type TraceNode } from "./trace.ts";

/** GPU slots kept per node in {@link Cluster.gpuFree}: the most GPUs one node may have. */
export const GPUS_PER_NODE_MAX = 16;

/** GPU models a cluster may have: a request keeps those it accepts as the bits of one number. */
export const MODELS_MAX = 30;

/** What is free, as flat arrays indexed by node: the only state a scoring kernel reads. */
export interface Cluster {
  readonly nodeCount: number;
  readonly cpuFree: Int32Array;
  readonly memoryFree: Int32Array;
  readonly gpuCount: Uint8Array;
  /** Free thousandths of GPU `g` of node `n`, at `n * GPUS_PER_NODE_MAX + g`; 0 for absent GPUs. */
  readonly gpuFree: Int16Array;
  /** Wholly idle GPUs of each node. */
  readonly idleGpus: Uint8Array;
  /** Number of each node's GPU model in {@link models}. */
  readonly model: Uint8Array;
  readonly models: readonly string[];
  readonly gpuCapacityMillis: number;
}

export function createCluster(nodes: readonly TraceNode[]): Cluster {
  const models = [...new Set(nodes.map((node) => node.model))].sort();
  if (models.length > MODELS_MAX) {
    throw new TraceError(`${models.length} GPU models; at most ${MODELS_MAX}`);
  }
  const gpuFree = new Int16Array(nodes.length * GPUS_PER_NODE_MAX);
  for (const [index, { name, gpuCount }] of nodes.entries()) {
    if (gpuCount > GPUS_PER_NODE_MAX) {
      throw new TraceError(`node ${name} has ${gpuCount} GPUs; at most ${GPUS_PER_NODE_MAX}`);
    }
    const first = index * GPUS_PER_NODE_MAX;
    gpuFree.fill(GPU_MILLIS, first, first + gpuCount);
  }
  const gpuCount = Uint8Array.from(nodes, (node) => node.gpuCount);
  return {
    nodeCount: nodes.length,
    cpuFree: Int32Array.from(nodes, (node) => node.cpuMillis),
    memoryFree: Int32Array.from(nodes, (node) => node.memoryMiB),
    gpuCount,
    gpuFree,
    idleGpus: gpuCount.slice(),
    model: Uint8Array.from(nodes, (node) => models.indexOf(node.model)),
    models,
    gpuCapacityMillis: nodes.reduce((sum, node) => sum + node.gpuCount * GPU_MILLIS, 0),
  };
}

/** A task class as plain numbers, so that a kernel reads no strings and no nested objects. */
export interface Request {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly gpuCount: number;
  readonly gpuMillis: number;
  /** Bit `m` set: model number `m` of the cluster is allowed. */
  readonly modelMask: number;
}

export function toRequest(task: TaskClass, cluster: Cluster): Request {
  const allowed = (model: string): boolean =>
    task.models.length === 0 || task.models.includes(model);
  const modelMask = cluster.models.reduce(
    (mask, model, number) => (allowed(model) ? mask | (1 << number) : mask),
    0,
  );
  const { cpuMillis, memoryMiB, gpuCount, gpuMillis } = task;
  return { cpuMillis, memoryMiB, gpuCount, gpuMillis, modelMask };
}

/** The request as a class of demand with `count` tasks. */
export function demandOf(request: Request, count: number): Demand {
  const { cpuMillis, memoryMiB, gpuCount, gpuMillis } = request;
  return { cpuMillis, memoryMiB, diskMiB: 0, networkMbps: 0, gpuCount, gpuMillis, count };
}

/** Numbers of the GPU models the request accepts; null for all of them. */
export function kindsOf({ modelMask }: Request, { models }: Cluster): number[] | null {
  const accepted = [...models.keys()].filter((model) => ((modelMask >> model) & 1) === 1);
  return accepted.length === models.length ? null : accepted;
}

/** Whether the request asks for part of one GPU. */
export function isShare(request: Request): boolean {
  return request.gpuCount === 1 && request.gpuMillis < GPU_MILLIS;
}

/** Whether the node can take the request now; for a share, on at least one of its GPUs. */
export function fits(cluster: Cluster, node: number, request: Request): boolean {
  if ((cluster.cpuFree[node] as number) < request.cpuMillis) return false;
  if ((cluster.memoryFree[node] as number) < request.memoryMiB) return false;
  if (request.gpuCount === 0) return true;
  if (((request.modelMask >> (cluster.model[node] as number)) & 1) === 0) return false;
  if (!isShare(request)) return (cluster.idleGpus[node] as number) >= request.gpuCount;
  const first = node * GPUS_PER_NODE_MAX;
  const end = first + (cluster.gpuCount[node] as number);
  for (let gpu = first; gpu < end; gpu++) {
    if ((cluster.gpuFree[gpu] as number) >= request.gpuMillis) return true;
  }
  return false;
}

/**
 * Takes what the request asks for from the node: a share from GPU `gpu`, whole GPUs from the lowest
 * numbered idle ones. Throws when it does not fit: nothing is ever granted twice.
 */
export function grant(cluster: Cluster, node: number, request: Request, gpu: number): void {
  if (!fits(cluster, node, request)) throw new RangeError(`node ${node} cannot take the request`);
  cluster.cpuFree[node] = (cluster.cpuFree[node] as number) - request.cpuMillis;
  cluster.memoryFree[node] = (cluster.memoryFree[node] as number) - request.memoryMiB;
  if (request.gpuCount === 0) return;

  const first = node * GPUS_PER_NODE_MAX;
  if (isShare(request)) {
    const free = cluster.gpuFree[first + gpu] as number;
    if (gpu >= (cluster.gpuCount[node] as number) || free < request.gpuMillis) {
      throw new RangeError(`GPU ${gpu} of node ${node} cannot take the share`);
    }
    if (free === GPU_MILLIS) cluster.idleGpus[node] = (cluster.idleGpus[node] as number) - 1;
    cluster.gpuFree[first + gpu] = free - request.gpuMillis;
    return;
  }
  let wanted = request.gpuCount;
  for (let at = first; wanted > 0; at++) {
    if (cluster.gpuFree[at] !== GPU_MILLIS) continue;
    cluster.gpuFree[at] = 0;
    wanted--;
  }
  cluster.idleGpus[node] = (cluster.idleGpus[node] as number) - request.gpuCount;
}
