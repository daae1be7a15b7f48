import type { WorkPrices, StockRates } from "./stocks.ts";
import { bucketOf } from "./fleet-columns.ts";
import { costPoints, GPU_VALUE, takenOf } from "./stocks.ts";

/** What one allocation asks, in numbers. */
export interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly networkMbps: number;
  /** 0 for work without GPUs. */
  readonly gpuCount: number;
  /** Thousandths of each GPU; less than 1000 only of one. */
  readonly gpuMillis: number;
  /** What a share takes of its device's memory, where that is asked. */
  readonly gpuMemoryMiB: number;
}

/** A score term for each value of an attribute; see `Preference.points`. */
export const FORBIDDEN = -(2 ** 30);

/** Better or worse by the value that nodes have of an attribute. */
export interface Preference {
  /** The term of a score that it is. */
  readonly term: string;
  /** The number of the node's value, by slot. */
  readonly values: Int32Array;
  /** Points by number of the value; `FORBIDDEN` where it must not go. */
  readonly points: Int32Array;
  /** The most that any value has. */
  readonly pointsMax: number;
}

/** Everything a search needs to know of a request, in the fleet's terms. */
export interface FleetRequest extends Amounts {
  /** By slot: 1 where constraints and everything else that does not change let it go. Null: anywhere. */
  readonly mask: Uint8Array | null;
  /** By GPU kind: 1 for those it accepts. Null: any. */
  readonly kinds: Uint8Array | null;
  /** The rest of what must hold, for requests that ask what the columns do not tell. */
  readonly alsoFits: ((slot: number) => boolean) | null;
  readonly preferences: readonly Preference[];
}

/** What a request takes of stocks: costs are made of it. Void when prices change. */
export interface Priced {
  readonly gpuStock: number;
  /** The least that any GPU's leftover loses to it. */
  readonly leastGpuStock: number;
  readonly cpuBesideGpus: number;
  readonly memoryBesideGpus: number;
  readonly cpu: number;
  readonly memory: number;
  readonly stepPoints: number;
  /** What work without GPUs pays on a node that has some left: more than anywhere else. */
  readonly reservePoints: number;
  /** Of a share: the least value lost by leftovers of a bucket, where it fits one. */
  readonly lostByBucket: Int32Array | null;
}

/** Points by which work without GPUs keeps off nodes whose GPUs it might strand. */
const GPU_RESERVE_POINTS = 1000;

export function priceRequest(request: Amounts, prices: WorkPrices, rates: StockRates): Priced {
  const { cpuMillis, memoryMiB, gpuCount, gpuMillis } = request;
  const cpu = takenOf(cpuMillis, rates.cpuCpu);
  const memory = takenOf(memoryMiB, rates.cpuMemory);
  const lost = isShare(request) ? sharePrices(gpuMillis, prices.leftover) : null;
  const gpuStock = lost === null ? gpuCount * GPU_VALUE : 0;
  return {
    gpuStock,
    leastGpuStock: lost?.least ?? gpuStock,
    cpuBesideGpus: takenOf(cpuMillis, rates.gpuCpu),
    memoryBesideGpus: takenOf(memoryMiB, rates.gpuMemory),
    cpu,
    memory,
    stepPoints: gpuCount > 0 ? prices.gpuStepPoints : prices.cpuStepPoints,
    reservePoints: GPU_RESERVE_POINTS + costPoints(Math.max(cpu, memory), prices.cpuStepPoints),
    lostByBucket: lost?.byBucket ?? null,
  };
}

export function isShare({ gpuCount, gpuMillis }: Amounts): boolean {
  return gpuCount === 1 && gpuMillis < 1000;
}

/** What a share takes of the value of a leftover. */
export function lostOf(leftover: Int32Array, freeMillis: number, shareMillis: number): number {
  return (leftover[freeMillis] as number) - (leftover[freeMillis - shareMillis] as number);
}

/** Where it fits no leftover of a bucket. */
export const FITS_NONE = 2 ** 30;

interface SharePrices {
  readonly byBucket: Int32Array;
  readonly least: number;
}

/** Made once for each size of a share and each pricing. */
const pricedShares = new WeakMap<Int32Array, (SharePrices | undefined)[]>();

function sharePrices(shareMillis: number, leftover: Int32Array): SharePrices {
  let known = pricedShares.get(leftover);
  if (known === undefined) pricedShares.set(leftover, (known = []));
  return (known[shareMillis] ??= lostToShare(shareMillis, leftover));
}

function lostToShare(shareMillis: number, leftover: Int32Array): SharePrices {
  const byBucket = new Int32Array(32).fill(FITS_NONE);
  let least = FITS_NONE;
  for (let free = shareMillis; free <= 1000; free += 1) {
    const bucket = bucketOf(free);
    const lost = lostOf(leftover, free, shareMillis);
    if (lost < (byBucket[bucket] as number)) byBucket[bucket] = lost;
    if (lost < least) least = lost;
  }
  return { byBucket, least };
}
