import {
  GPU_STEP,
  type GpuPrices,
  gpuPricesOf,
  gpuWorth,
  modelPremiums,
  premiumFor,
  priceGpus,
  UNLIMITED,
} from "@berth/scheduler/price";
import {
  demandOf,
  GPUS_PER_NODE_MAX,
  isShare,
  kindsOf,
  type Cluster,
  type Request,
} from "../cluster.ts";
import type { Offer, Policy, PolicyFactory, Situation } from "../policy.ts";
import { GPU_MILLIS } from "../trace.ts";

/** Everything learned from a demand histogram; the score counts GPUs alone, as the benchmark does. */
interface Prices {
  readonly gpu: GpuPrices;
  /** Extra cost of one GPU, by the node's model number. */
  readonly premiums: Int32Array;
}

/** Arrivals seen before the online variant prices for the first time. */
const FIRST_PRICING = 32;

/** The online variant prices anew each time it has seen this much more. */
const PRICING_GROWTH = 1.25;

/**
 * A task goes where the value of what is left falls least. Leftover GPU shares are priced by the dual
 * of the cutting-stock programme over the demand histogram; what cpu and memory cannot serve is taken
 * off as an expected shortage. See `docs/benchmarks/packing.md`.
 */
export const berth: PolicyFactory = (situation) => {
  const prices = priceHistogram(situation, situation.histogram);
  return { ties: "first", offer: createOffer(situation, () => prices) };
};

/** The same with the histogram learned from the arrivals so far, rarely and ever more rarely priced. */
export const berthOnline: PolicyFactory = (situation): Policy => {
  const seen = situation.histogram.map(() => 0);
  let arrivals = 0;
  let nextPricing = FIRST_PRICING;
  let prices = priceByCapacity(situation.cluster);
  return {
    ties: "first",
    offer: createOffer(situation, () => prices),
    observe(task) {
      seen[task] = (seen[task] ?? 0) + 1;
      arrivals++;
      if (arrivals < nextPricing) return false;
      nextPricing = Math.ceil(arrivals * PRICING_GROWTH);
      prices = priceHistogram(situation, seen);
      return true;
    },
  };
};

function priceHistogram({ cluster, requests }: Situation, counts: readonly number[]): Prices {
  const demand = requests.map((request, task) => demandOf(request, counts[task] ?? 0));
  const gpu = priceGpus(demand);
  if (gpu === null) return priceByCapacity(cluster);
  const kindDemand = demand.map((task, number) => ({
    ...task,
    kinds: kindsOf(requests[number] as Request, cluster),
  }));
  return { gpu, premiums: modelPremiums(kindDemand, capacityByModel(cluster)) };
}

function capacityByModel(cluster: Cluster): number[] {
  const capacity = cluster.models.map(() => 0);
  for (const [node, model] of cluster.model.entries()) {
    capacity[model] = (capacity[model] ?? 0) + (cluster.gpuCount[node] ?? 0) * GPU_MILLIS;
  }
  return capacity;
}

/** Knowing no demand. */
function priceByCapacity(cluster: Cluster): Prices {
  const gpus = Math.max(1, cluster.gpuCapacityMillis / GPU_MILLIS);
  const sum = (free: Int32Array): number => free.reduce((total, one) => total + one, 0);
  const beside = { cpuMillis: sum(cluster.cpuFree), memoryMiB: sum(cluster.memoryFree) };
  return { gpu: gpuPricesOf(gpus, beside), premiums: new Int32Array(cluster.models.length) };
}

function createOffer(
  { cluster, requests }: Situation,
  currentPrices: () => Prices,
): (node: number, task: number, into: Offer) => void {
  return (node, task, into) => {
    const { gpu: prices, premiums } = currentPrices();
    const { leftover } = prices;
    const request = requests[task] as Request;
    const first = node * GPUS_PER_NODE_MAX;
    const end = first + (cluster.gpuCount[node] as number);
    const cpuFree = cluster.cpuFree[node] as number;
    const memoryFree = cluster.memoryFree[node] as number;
    const cpuAfter = cpuFree - request.cpuMillis;
    const memoryAfter = memoryFree - request.memoryMiB;

    let gpuValue = 0;
    for (let at = first; at < end; at++) {
      gpuValue += leftover[cluster.gpuFree[at] as number] as number;
    }
    const before = worth(prices, gpuValue, cpuFree, memoryFree);
    const premium = premiumFor(
      premiums[cluster.model[node] as number] as number,
      request.gpuCount,
      request.gpuMillis,
    );
    if (!isShare(request)) {
      const taken = request.gpuCount * (leftover[1000] as number);
      const after = worth(prices, gpuValue - taken, cpuAfter, memoryAfter);
      into.score = -(roundedUp(before - after) + premium);
      return;
    }
    into.score = -Infinity;
    for (let at = first; at < end; at++) {
      const free = cluster.gpuFree[at] as number;
      if (free < request.gpuMillis) continue;
      const lost = (leftover[free] as number) - (leftover[free - request.gpuMillis] as number);
      const after = worth(prices, gpuValue - lost, cpuAfter, memoryAfter);
      const score = -(roundedUp(before - after) + premium);
      if (score <= into.score) continue;
      into.score = score;
      into.gpu = at - first;
    }
  };
}

/** The trace knows neither disk nor network. */
function worth(prices: GpuPrices, gpuValue: number, cpuFree: number, memoryFree: number): number {
  return gpuWorth(prices, gpuValue, cpuFree, memoryFree, UNLIMITED, UNLIMITED);
}

function roundedUp(cost: number): number {
  return Math.ceil(cost / GPU_STEP) * GPU_STEP;
}
