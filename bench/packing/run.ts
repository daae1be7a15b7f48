import { drawArrivals } from "./arrivals.ts";
import {
  createCluster,
  fits,
  grant,
  isShare,
  toRequest,
  type Cluster,
  type Request,
} from "./cluster.ts";
import { CANNOT, type Offer, type Policy, type PolicyFactory } from "./policy.ts";
import { createRandom, shuffle, type Random } from "../random.ts";
import { requestedGpuMillis, type TaskList, type TraceNode } from "./trace.ts";

/** What one seed gave. Percentages are of the cluster's GPU capacity. */
export interface RunResult {
  readonly seed: number;
  /** GPU allocated when arrivals reached 100 %, and at the end. */
  readonly allocated100: number;
  readonly allocated130: number;
  readonly arrivals: number;
  readonly placed: number;
  /** Mean time of one decision: refreshing offers, choosing and taking. */
  readonly decisionMicros: number;
  /** Fingerprint of every decision in order: the same inputs must give the same one. */
  readonly hash: string;
}

/** A different stream of randomness for each purpose of one seed. */
const NODE_ORDER_STREAM = 0x51ed_270b;
const POLICY_STREAM = 0x2545_f491;

/** Plays the arrivals of one seed against a policy. */
export function run(
  nodes: readonly TraceNode[],
  list: TaskList,
  seed: number,
  createPolicy: PolicyFactory,
): RunResult {
  const ordered = [...nodes];
  shuffle(ordered, createRandom(seed ^ NODE_ORDER_STREAM));
  const cluster = createCluster(ordered);
  const arrivals = drawArrivals(list, cluster.gpuCapacityMillis, seed);
  const requests = list.classes.map((task) => toRequest(task, cluster));
  const random = createRandom(seed ^ POLICY_STREAM);
  const histogram = list.classes.map(() => 0);
  for (const task of list.tasks) histogram[task] = (histogram[task] ?? 0) + 1;

  const startedNs = process.hrtime.bigint();
  const policy = createPolicy({ cluster, requests, histogram, random });
  const placer = createPlacer(cluster, requests, policy, random);
  const gpuMillis = list.classes.map(requestedGpuMillis);
  let offered = 0;
  let allocated = 0;
  let allocatedAt100 = -1;
  let placed = 0;
  let hash = 0x811c_9dc5;
  for (const task of arrivals) {
    const millis = gpuMillis[task] as number;
    offered += millis;
    if (offered > cluster.gpuCapacityMillis && allocatedAt100 < 0) allocatedAt100 = allocated;
    const node = placer.place(task);
    hash = Math.imul(hash ^ (node + 1), 0x0100_0193);
    hash = Math.imul(hash ^ placer.lastGpu, 0x0100_0193);
    if (node < 0) continue;
    allocated += millis;
    placed++;
  }
  const elapsedMicros = Number(process.hrtime.bigint() - startedNs) / 1000;
  const percent = (millis: number): number => (100 * millis) / cluster.gpuCapacityMillis;
  return {
    seed,
    allocated100: percent(allocatedAt100 < 0 ? allocated : allocatedAt100),
    allocated130: percent(allocated),
    arrivals: arrivals.length,
    placed,
    decisionMicros: elapsedMicros / Math.max(1, arrivals.length),
    hash: (hash >>> 0).toString(16).padStart(8, "0"),
  };
}

/** Finds the best node for each arrival, remembering the offers of nodes that did not change. */
export interface Placer {
  /** Places a task of the class; the node, or -1 when none can take it. */
  place(task: number): number;
  /** The GPU that took the last placed share, else -1. */
  readonly lastGpu: number;
}

/**
 * Offers are remembered per (class, node). A log lists the touched nodes in order; each class has
 * read it up to some point and, when the class arrives again, only the nodes after that point are
 * asked anew. Every node is considered for every arrival: nothing is sampled.
 */
export function createPlacer(
  cluster: Cluster,
  requests: readonly Request[],
  policy: Policy,
  random: Random,
): Placer {
  const { nodeCount } = cluster;
  const scores = requests.map((): Int32Array | null => null);
  const gpus = requests.map((): Int8Array | null => null);
  const readUpTo = new Int32Array(requests.length);
  const touched: number[] = [];
  const into: Offer = { score: 0, gpu: 0 };
  let lastGpu = -1;

  function refresh(task: number): Int32Array {
    const request = requests[task] as Request;
    const known = scores[task];
    const score = known ?? (scores[task] = new Int32Array(nodeCount));
    const gpu = (gpus[task] ??= new Int8Array(nodeCount));
    const isFresh = known === null || known === undefined || (readUpTo[task] as number) < 0;
    const count = isFresh ? nodeCount : touched.length;
    for (let at = isFresh ? 0 : (readUpTo[task] as number); at < count; at++) {
      const node = isFresh ? at : (touched[at] as number);
      if (!fits(cluster, node, request)) {
        score[node] = CANNOT;
        continue;
      }
      policy.offer(node, task, into);
      score[node] = into.score;
      gpu[node] = into.gpu;
    }
    readUpTo[task] = touched.length;
    return score;
  }

  function choose(score: Int32Array): number {
    let best = -1;
    let bestScore = CANNOT;
    let equals = 0;
    for (let node = 0; node < nodeCount; node++) {
      const here = score[node] as number;
      if (here < bestScore || here === CANNOT) continue;
      if (here > bestScore) {
        bestScore = here;
        best = node;
        equals = 1;
      } else if (policy.ties === "any" && random.below(++equals) === 0) {
        best = node;
      }
    }
    return best;
  }

  return {
    get lastGpu() {
      return lastGpu;
    },
    place(task) {
      if (policy.observe?.(task) === true) readUpTo.fill(-1);
      const node = choose(refresh(task));
      lastGpu = -1;
      if (node < 0) return node;
      const request = requests[task] as Request;
      const gpu = gpus[task]?.[node] ?? 0;
      grant(cluster, node, request, gpu);
      if (isShare(request)) lastGpu = gpu;
      touched.push(node);
      policy.granted?.(node);
      return node;
    },
  };
}
