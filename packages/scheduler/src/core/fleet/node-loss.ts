import type { Fleet } from "./fleet.ts";
import { type FleetColumns, GPUS_LEFT, GPUS_SPENT } from "./fleet-columns.ts";
import { FORBIDDEN, type FleetRequest, lostOf, type Priced } from "./fleet-request.ts";
import { costPoints, POINT } from "./stocks.ts";

/** Above every loss: what is lost where a request does not fit, or must not go. */
export const LOSS_MAX = 2 ** 30;

const NO_GPU = -1;

/**
 * Points that a request loses on a node: what it costs there, less what is preferred. `LOSS_MAX` where
 * it does not fit as far as the columns tell; a request's `alsoFits` knows the rest.
 */
export function lossAt(fleet: Fleet, request: FleetRequest, priced: Priced, slot: number): number {
  const { columns } = fleet;
  if ((columns.cpuFree[slot] as number) < request.cpuMillis) return LOSS_MAX;
  if ((columns.memoryFree[slot] as number) < request.memoryMiB) return LOSS_MAX;
  if (request.mask !== null && request.mask[slot] === 0) return LOSS_MAX;
  if ((columns.diskFree[slot] as number) < request.diskMiB) return LOSS_MAX;
  if (request.networkMbps > 0 && (columns.networkFree[slot] as number) < request.networkMbps) {
    return LOSS_MAX;
  }
  const points =
    request.gpuCount === 0
      ? lossWithout(columns, priced, slot)
      : lossWithGpus(fleet, request, priced, slot);
  return request.preferences.length === 0 || points === LOSS_MAX
    ? points
    : points - preferenceAt(request, slot, points);
}

function lossWithout(columns: FleetColumns, priced: Priced, slot: number): number {
  const cpuSurplus = columns.cpuSurplus[slot] as number;
  const memorySurplus = columns.memorySurplus[slot] as number;
  if (columns.kind[slot] !== GPUS_LEFT) {
    const lost = Math.max(priced.cpu - cpuSurplus, priced.memory - memorySurplus);
    return costPoints(lost, priced.stepPoints);
  }
  // The smallest stock may be that of the GPUs: then nothing may be lost, but never less.
  const lost = Math.max(
    priced.cpuBesideGpus - cpuSurplus,
    priced.memoryBesideGpus - memorySurplus,
    0,
  );
  return costPoints(lost, priced.stepPoints) + priced.reservePoints;
}

function lossWithGpus(fleet: Fleet, request: FleetRequest, priced: Priced, slot: number): number {
  const { columns } = fleet;
  let gpuStock = priced.gpuStock;
  if (request.gpuMillis < 1000) {
    const { leftover } = fleet.prices;
    const gpu = shareOn(columns, request, slot, leftover);
    if (gpu === NO_GPU) return LOSS_MAX;
    gpuStock = lostOf(leftover, columns.gpuFree[gpu] as number, request.gpuMillis);
  } else if (!hasWholeGpus(fleet, request, slot)) return LOSS_MAX;
  const premium = columns.premium[slot] as number;
  const extra =
    premium === 0
      ? 0
      : Math.round((premium * request.gpuCount * request.gpuMillis) / 1000 / POINT);
  // What its GPUs have left is worth nothing: a share that fits there is free.
  if (columns.kind[slot] === GPUS_SPENT) return extra;
  const lost = Math.max(
    gpuStock - (columns.gpuSurplus[slot] as number),
    priced.cpuBesideGpus - (columns.cpuSurplus[slot] as number),
    priced.memoryBesideGpus - (columns.memorySurplus[slot] as number),
  );
  return costPoints(lost, priced.stepPoints) + extra;
}

function preferenceAt({ preferences }: FleetRequest, slot: number, points: number): number {
  let sum = 0;
  for (const preference of preferences) {
    const here = preference.points[preference.values[slot] as number] as number;
    if (here === FORBIDDEN) return points - LOSS_MAX;
    sum += here;
  }
  return sum;
}

/** Whether GPUs of one model are idle, as many as are asked for. */
function hasWholeGpus(fleet: Fleet, request: FleetRequest, slot: number): boolean {
  const { columns } = fleet;
  if ((columns.idleGpus[slot] as number) < request.gpuCount) return false;
  const first = columns.gpuFirst[slot] as number;
  if (columns.mixedGpus[slot] === 0) return accepts(request, columns.gpuKind[first] as number);
  const end = first + (columns.gpuCount[slot] as number);
  for (let at = first; at < end; at += 1) {
    const { model } = fleet.kindAt(columns.gpuKind[at] as number);
    let alike = 0;
    for (let other = at; other < end; other += 1) {
      const kind = columns.gpuKind[other] as number;
      if (columns.gpuFree[other] !== 1000 || !accepts(request, kind)) continue;
      if (fleet.kindAt(kind).model === model) alike += 1;
    }
    if (alike >= request.gpuCount) return true;
  }
  return false;
}

/**
 * The GPU that gives a share: the one whose leftover loses least value, of those the fullest, of those
 * the first; its position in the columns, or -1.
 */
export function shareOn(
  columns: FleetColumns,
  request: FleetRequest,
  slot: number,
  leftover: Int32Array,
): number {
  const { gpuMillis, gpuMemoryMiB } = request;
  const { gpuFree, gpuMemoryFree, gpuKind } = columns;
  const first = columns.gpuFirst[slot] as number;
  const end = first + (columns.gpuCount[slot] as number);
  let best = NO_GPU;
  let bestLost = 0;
  let bestFree = 0;
  for (let at = first; at < end; at += 1) {
    const free = gpuFree[at] as number;
    if (free < gpuMillis || (gpuMemoryFree[at] as number) < gpuMemoryMiB) continue;
    if (!accepts(request, gpuKind[at] as number)) continue;
    const lost = lostOf(leftover, free, gpuMillis);
    if (best !== NO_GPU && (lost > bestLost || (lost === bestLost && free >= bestFree))) continue;
    best = at;
    bestLost = lost;
    bestFree = free;
  }
  return best;
}

function accepts({ kinds }: FleetRequest, kind: number): boolean {
  return kinds === null || kinds[kind] === 1;
}
