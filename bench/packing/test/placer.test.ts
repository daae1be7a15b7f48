import {
  GPU_STEP,
  type GpuPrices,
  gpuPricesOf,
  gpuWorth,
  modelPremiums,
  priceGpus,
  UNLIMITED,
} from "@berth/scheduler/price";
import { describe, expect, it } from "vitest";
import { drawArrivals } from "../arrivals.ts";
import {
  createCluster,
  demandOf,
  fits,
  grant,
  GPUS_PER_NODE_MAX,
  isShare,
  kindsOf,
  toRequest,
  type Cluster,
  type Request,
} from "../cluster.ts";
import { POLICIES } from "../policies/index.ts";
import { createFragmentation } from "../policies/fgd.ts";
import type { Offer, Policy } from "../policy.ts";
import { createRandom } from "../../random.ts";
import { createPlacer } from "../run.ts";
import { randomCase } from "./builders.ts";

const DETERMINISTIC = Object.keys(POLICIES).filter((name) => name !== "random");
const CASES = 60;

describe("placing", () => {
  it.each(DETERMINISTIC)("%s: remembered offers decide as plain loops do", (name) => {
    for (let seed = 0; seed < CASES; seed++) {
      const fast = prepare(name, seed);
      const slow = prepare(name, seed);
      const placer = createPlacer(fast.cluster, fast.requests, fast.policy, createRandom(seed));
      for (const task of fast.arrivals) {
        const node = placer.place(task);
        expect([node, placer.lastGpu]).toEqual(placePlainly(slow, task));
      }
    }
  });

  it.each(Object.keys(POLICIES))(
    "%s: nothing is granted twice, and what fits is placed",
    (name) => {
      for (let seed = 0; seed < CASES; seed++) {
        const { nodes } = randomCase(seed);
        const { cluster, requests, policy, arrivals } = prepare(name, seed);
        const placer = createPlacer(cluster, requests, policy, createRandom(seed));
        const ledger = nodes.map((node) => ({
          cpu: node.cpuMillis,
          memory: node.memoryMiB,
          gpus: new Array<number>(node.gpuCount).fill(1000),
          model: node.model,
        }));
        const { list } = randomCase(seed);
        for (const task of arrivals) {
          const wanted = list.classes[task];
          if (wanted === undefined) throw new Error("unknown class");
          const allows = (model: string): boolean =>
            wanted.gpuCount === 0 || wanted.models.length === 0 || wanted.models.includes(model);
          const couldTake = ledger.some(
            (node) =>
              node.cpu >= wanted.cpuMillis &&
              node.memory >= wanted.memoryMiB &&
              allows(node.model) &&
              node.gpus.filter((free) => free >= wanted.gpuMillis).length >= wanted.gpuCount,
          );
          const at = placer.place(task);
          expect(at >= 0).toBe(couldTake);
          const node = ledger[at];
          if (node === undefined) continue;
          expect(allows(node.model)).toBe(true);
          node.cpu -= wanted.cpuMillis;
          node.memory -= wanted.memoryMiB;
          if (placer.lastGpu >= 0) {
            node.gpus[placer.lastGpu] = (node.gpus[placer.lastGpu] ?? 0) - wanted.gpuMillis;
          } else {
            for (let taken = 0; taken < wanted.gpuCount; taken++) {
              const idle = node.gpus.indexOf(1000);
              expect(idle).toBeGreaterThanOrEqual(0);
              node.gpus[idle] = 0;
            }
          }
          expect(Math.min(node.cpu, node.memory, ...node.gpus)).toBeGreaterThanOrEqual(0);
        }
      }
    },
  );
});

describe("berth", () => {
  it("scores a node by how little its value falls, trying each GPU that could take a share", () => {
    for (let seed = 0; seed < CASES; seed++) {
      const { cluster, requests, policy, prices, premiums } = prepareBerth(seed);
      const placer = createPlacer(cluster, requests, policy, createRandom(seed));
      for (const arriving of drawArrivals(randomCase(seed).list, 20_000, seed)) {
        placer.place(arriving);
        for (const [task, request] of requests.entries()) {
          const node = arriving % cluster.nodeCount;
          if (!fits(cluster, node, request)) continue;
          const offer = { score: 0, gpu: 0 };
          policy.offer(node, task, offer);
          const falls = gpusThatCouldTake(cluster, node, request).map((gpu) => {
            const after = structuredClone(cluster);
            grant(after, node, request, gpu);
            return valueOf(prices, cluster, node) - valueOf(prices, after, node);
          });
          const steps = falls.map((fall) => Math.ceil(fall / GPU_STEP) * GPU_STEP);
          const gpus = (request.gpuCount * request.gpuMillis) / 1000;
          const premium = Math.round((premiums[cluster.model[node] ?? 0] ?? 0) * gpus);
          expect(offer.score).toBeCloseTo(-Math.min(...steps) - premium);
        }
      }
    }
  });
});

describe("fragmentation", () => {
  it("tabulated, is the published definition summed class by class", () => {
    for (let seed = 0; seed < CASES; seed++) {
      const { cluster, requests, policy, arrivals } = prepare("first-fit", seed);
      const weights = requests.map((_, task) => (task + 1) / (requests.length * requests.length));
      const fragmentation = createFragmentation(cluster, requests, weights);
      const placer = createPlacer(cluster, requests, policy, createRandom(seed));
      for (const task of arrivals.slice(0, 25)) {
        placer.place(task);
        for (let node = 0; node < cluster.nodeCount; node++) {
          const expected = publishedFragmentation(cluster, node, requests, weights);
          expect(fragmentation.after(node, 0, -1, 0, 0)).toBeCloseTo(expected, 6);
        }
      }
    }
  });
});

interface Prepared {
  readonly cluster: Cluster;
  readonly requests: readonly Request[];
  readonly policy: Policy;
  readonly arrivals: readonly number[];
}

function prepare(name: string, seed: number): Prepared {
  const { nodes, list } = randomCase(seed);
  const cluster = createCluster(nodes);
  const requests = list.classes.map((task) => toRequest(task, cluster));
  const histogram = list.classes.map((_, task) => list.tasks.filter((one) => one === task).length);
  const create = POLICIES[name];
  if (create === undefined) throw new Error(`no policy ${name}`);
  const policy = create({ cluster, requests, histogram, random: createRandom(seed + 1) });
  return { cluster, requests, policy, arrivals: drawArrivals(list, 40_000, seed) };
}

interface PreparedBerth extends Prepared {
  readonly prices: GpuPrices;
  readonly premiums: Int32Array;
}

function prepareBerth(seed: number): PreparedBerth {
  const prepared = prepare("berth", seed);
  const { nodes, list } = randomCase(seed);
  const demand = prepared.requests.map((request, number) => ({
    ...demandOf(request, list.tasks.filter((one) => one === number).length),
    kinds: kindsOf(request, prepared.cluster),
  }));
  const capacity = prepared.cluster.models.map((model) =>
    nodes.reduce((sum, node) => sum + (node.model === model ? node.gpuCount * 1000 : 0), 0),
  );
  // Without demand for GPUs no task has a GPU to choose, and no cost depends on these.
  const prices = priceGpus(demand) ?? gpuPricesOf(1, { cpuMillis: 0, memoryMiB: 0 });
  return { ...prepared, prices, premiums: modelPremiums(demand, capacity) };
}

function gpusThatCouldTake(cluster: Cluster, node: number, request: Request): number[] {
  if (!isShare(request)) return [0];
  const free = freeGpus(cluster, node);
  return [...free.keys()].filter((gpu) => (free[gpu] ?? 0) >= request.gpuMillis);
}

function freeGpus(cluster: Cluster, node: number): number[] {
  const first = node * GPUS_PER_NODE_MAX;
  return Array.from(cluster.gpuFree.subarray(first, first + (cluster.gpuCount[node] ?? 0)));
}

function valueOf(prices: GpuPrices, cluster: Cluster, node: number): number {
  const worth = freeGpus(cluster, node).map((free) => prices.leftover[free] ?? 0);
  const gpuValue = worth.reduce((sum, one) => sum + one, 0);
  const cpuFree = cluster.cpuFree[node] ?? 0;
  const memoryFree = cluster.memoryFree[node] ?? 0;
  return gpuWorth(prices, gpuValue, cpuFree, memoryFree, UNLIMITED, UNLIMITED);
}

/** Asks every node anew for every arrival; the first of the best takes it. */
function placePlainly({ cluster, requests, policy }: Prepared, task: number): [number, number] {
  policy.observe?.(task);
  const request = requests[task];
  if (request === undefined) throw new Error("unknown class");
  let best: (Offer & { node: number }) | null = null;
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (!fits(cluster, node, request)) continue;
    const offer = { score: 0, gpu: 0 };
    policy.offer(node, task, offer);
    if (best === null || offer.score > best.score) best = { ...offer, node };
  }
  if (best === null) return [-1, -1];
  grant(cluster, best.node, request, best.gpu);
  policy.granted?.(best.node);
  return [best.node, isShare(request) ? best.gpu : -1];
}

/** Weng, Yang et al. 2023, section 3: free GPU that a class cannot use, weighted by its chance. */
function publishedFragmentation(
  cluster: Cluster,
  node: number,
  requests: readonly Request[],
  weights: readonly number[],
): number {
  const free = freeGpus(cluster, node);
  const sum = (gpus: readonly number[]): number => gpus.reduce((total, gpu) => total + gpu, 0);
  let unusable = 1 - weights.reduce((total, weight) => total + weight, 0);
  unusable *= sum(free);
  for (const [task, request] of requests.entries()) {
    const roomy = free.filter((gpu) => gpu >= request.gpuMillis);
    const canHost =
      request.gpuCount > 0 &&
      (cluster.cpuFree[node] ?? 0) >= request.cpuMillis &&
      ((request.modelMask >> (cluster.model[node] ?? 0)) & 1) === 1 &&
      roomy.length >= request.gpuCount;
    const lost = canHost ? sum(free) - sum(roomy) : sum(free);
    unusable += (weights[task] ?? 0) * lost;
  }
  return unusable;
}
