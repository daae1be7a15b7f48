import { bucketOf } from "./fleet-columns.ts";
import type { SlotBits } from "./slot-bits.ts";
import { costPoints, type StockPrices, takenOf } from "./stocks.ts";

/** What one allocation asks, in numbers. */
export interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  readonly networkMbps: number;
  /** Ports that the scheduler chooses. */
  readonly ports: number;
  /** 0 for work without GPUs. */
  readonly gpuCount: number;
  /** Thousandths of each GPU; less than 1000 only of one. */
  readonly gpuMillis: number;
  /** Whether cpu and memory must come from one NUMA zone. */
  readonly isZoned: boolean;
}

/** Points of a value at which a request must not be. */
export const FORBIDDEN = -(2 ** 30);

/** Points for nodes by the value that they have of an attribute. */
export class Preference {
  /** The number of the node's value, by slot. */
  readonly values: Int32Array;
  /** Points by number of the value; `FORBIDDEN` where it must not go. */
  readonly points: Int32Array;
  /** The most that any value has, or more. */
  pointsMax: number;

  constructor(values: Int32Array, points: Int32Array, pointsMax: number) {
    this.values = values;
    this.points = points;
    this.pointsMax = pointsMax;
  }
}

/** Everything a search needs to know of a request, in the fleet's terms. */
export interface FleetRequest extends Amounts {
  /** Where the request may go, as far as that does not change. Null: anywhere. */
  readonly mask: SlotBits | null;
  /** How many slots the mask has. */
  readonly maskSize: number;
  /**
   * By GPU kind: what is taken of a device's memory, infinite for kinds that are not accepted. Null
   * where any kind will do.
   */
  readonly kinds: Float64Array | null;
  /** The rest of what must hold, for requests that ask what the columns do not tell. */
  readonly alsoFits: ((slot: number) => boolean) | null;
  readonly preferences: readonly Preference[];
  readonly taken: Taken;
}

/** What a request takes of stocks: costs are made of it. Void when prices change. */
export interface Taken {
  readonly gpus: number;
  /** The least that any GPU's leftover loses to it. */
  readonly gpusMin: number;
  readonly cpuBesideGpus: number;
  readonly memoryBesideGpus: number;
  readonly cpu: number;
  readonly memory: number;
  readonly stepPoints: number;
  /** What work without GPUs pays on a node that has some left: more than anywhere else. */
  readonly reservePoints: number;
  /** Of a share: the least value lost by leftovers of a bucket; `FITS_NONE` where it fits none. */
  readonly lostByBucket: Int32Array | null;
  /** Of a share: the leftovers that it fits, as bits. */
  readonly fittingLeftovers: number;
}

/** Points by which work without GPUs keeps off nodes whose GPUs it might strand. */
export const GPU_RESERVE_POINTS = 1000;

export function takenBy(
  request: Pick<Amounts, "cpuMillis" | "memoryMiB" | "gpuCount" | "gpuMillis">,
  prices: StockPrices,
): Taken {
  const { cpuMillis, memoryMiB, gpuCount, gpuMillis } = request;
  const { leftover, gpuStepPoints, cpuStepPoints } = prices;
  const cpu = takenOf(cpuMillis, prices.cpuRate);
  const memory = takenOf(memoryMiB, prices.memoryRate);
  const share = isShare(request) ? shareLosses(gpuMillis, leftover) : null;
  const gpus = share === null ? gpuCount * (leftover[1000] as number) : 0;
  return {
    gpus,
    gpusMin: share?.least ?? gpus,
    cpuBesideGpus: takenOf(cpuMillis, prices.gpuCpuRate),
    memoryBesideGpus: takenOf(memoryMiB, prices.gpuMemoryRate),
    cpu,
    memory,
    stepPoints: gpuCount > 0 ? gpuStepPoints : cpuStepPoints,
    reservePoints: GPU_RESERVE_POINTS + costPoints(Math.max(cpu, memory), cpuStepPoints),
    lostByBucket: share?.byBucket ?? null,
    fittingLeftovers: share?.fitting ?? 0,
  };
}

export function isShare({ gpuCount, gpuMillis }: Pick<Amounts, "gpuCount" | "gpuMillis">): boolean {
  return gpuCount === 1 && gpuMillis < 1000;
}

/** What a share takes of the value of a leftover. */
export function lostOf(leftover: Int32Array, freeMillis: number, shareMillis: number): number {
  return (leftover[freeMillis] as number) - (leftover[freeMillis - shareMillis] as number);
}

/** Above every loss of value. */
export const FITS_NONE = 2 ** 30;

interface ShareLosses {
  readonly byBucket: Int32Array;
  readonly fitting: number;
  readonly least: number;
}

/** Made once for each size of a share and each pricing. */
const knownLosses = new WeakMap<Int32Array, (ShareLosses | undefined)[]>();

function shareLosses(shareMillis: number, leftover: Int32Array): ShareLosses {
  let known = knownLosses.get(leftover);
  if (known === undefined) knownLosses.set(leftover, (known = []));
  return (known[shareMillis] ??= computeLosses(shareMillis, leftover));
}

function computeLosses(shareMillis: number, leftover: Int32Array): ShareLosses {
  const byBucket = new Int32Array(32).fill(FITS_NONE);
  let least = FITS_NONE;
  let fitting = 0;
  for (let free = shareMillis; free <= 1000; free += 1) {
    const bucket = bucketOf(free);
    fitting |= 1 << bucket;
    const lost = lostOf(leftover, free, shareMillis);
    if (lost < (byBucket[bucket] as number)) byBucket[bucket] = lost;
    if (lost < least) least = lost;
  }
  return { byBucket, fitting, least };
}
