import type { Fleet } from "./fleet.ts";
import { type FleetColumns, GPUS_LEFT, GPUS_SPENT } from "./fleet-columns.ts";
import {
  FORBIDDEN,
  type FleetRequest,
  lostOf,
  type Preference,
  type Taken,
} from "./fleet-request.ts";
import { hasSlot } from "./slot-bits.ts";
import { blendedLoss, costPoints, POINT } from "./stocks.ts";

/** Above every loss: what is lost where a request does not fit, or must not go. */
export const LOSS_MAX = 2 ** 30;

const NO_GPU = -1;

/**
 * Points that a request loses on a node: what it costs there, less what is preferred. `LOSS_MAX` where
 * it does not fit as far as the columns tell; a request's `alsoFits` knows the rest.
 */
export function lossAt(fleet: Fleet, request: FleetRequest, slot: number): number {
  const cost = costAt(fleet, request, slot);
  if (request.preferences.length === 0 || cost === LOSS_MAX) return cost;
  const preferred = preferredAt(request, slot);
  return preferred === FORBIDDEN ? LOSS_MAX : cost - preferred;
}

/** The same without what is preferred. */
export function costAt(fleet: Fleet, request: FleetRequest, slot: number): number {
  const { columns } = fleet;
  if (request.mask !== null && !hasSlot(request.mask, slot)) return LOSS_MAX;
  if ((columns.cpuFree[slot] as number) < request.cpuMillis) return LOSS_MAX;
  if ((columns.memoryFree[slot] as number) < request.memoryMiB) return LOSS_MAX;
  if ((columns.diskFree[slot] as number) < request.diskMiB) return LOSS_MAX;
  if (request.networkMbps > 0 && (columns.networkFree[slot] as number) < request.networkMbps) {
    return LOSS_MAX;
  }
  if ((columns.portsFree[slot] as number) < request.ports) return LOSS_MAX;
  if (request.isZoned && !hasZone(columns, request, slot)) return LOSS_MAX;
  return request.gpuCount === 0
    ? costWithout(fleet, request.taken, slot)
    : costWithGpus(fleet, request, slot);
}

function hasZone(columns: FleetColumns, request: FleetRequest, slot: number): boolean {
  return (
    (columns.zoneCpuFree[slot] as number) >= request.cpuMillis &&
    (columns.zoneMemoryFree[slot] as number) >= request.memoryMiB
  );
}

function costWithout({ columns, prices }: Fleet, taken: Taken, slot: number): number {
  const cpuSurplus = columns.cpuSurplus[slot] as number;
  const memorySurplus = columns.memorySurplus[slot] as number;
  if (columns.kind[slot] !== GPUS_LEFT) {
    const surplus = cpuSurplus - memorySurplus;
    const lost = blendedLoss(taken.cpu, taken.memory, surplus, prices);
    return costPoints(lost, taken.stepPoints);
  }
  // The smallest stock may be that of the GPUs: then nothing may be lost, but never less.
  const lost = Math.max(
    taken.cpuBesideGpus - cpuSurplus,
    taken.memoryBesideGpus - memorySurplus,
    0,
  );
  return costPoints(lost, taken.stepPoints) + taken.reservePoints;
}

function costWithGpus(fleet: Fleet, request: FleetRequest, slot: number): number {
  const { columns } = fleet;
  const { taken } = request;
  let { gpus } = taken;
  if (request.gpuMillis < 1000) {
    const { leftover } = fleet.prices;
    const gpu = shareOn(columns, request, slot, leftover);
    if (gpu === NO_GPU) return LOSS_MAX;
    gpus = lostOf(leftover, columns.gpuFree[gpu] as number, request.gpuMillis);
  } else if (!hasWholeGpus(fleet, request, slot)) return LOSS_MAX;
  const premium = columns.premium[slot] as number;
  const extra = premium === 0 ? 0 : premiumPoints(premium, request.gpuCount, request.gpuMillis);
  // What its GPUs have left is worth nothing: a share that fits there is free.
  if (columns.kind[slot] === GPUS_SPENT) return extra;
  const lost = Math.max(
    gpus - (columns.gpuSurplus[slot] as number),
    taken.cpuBesideGpus - (columns.cpuSurplus[slot] as number),
    taken.memoryBesideGpus - (columns.memorySurplus[slot] as number),
  );
  return costPoints(lost, taken.stepPoints) + extra;
}

/** Points that GPUs of a kind cost extra. */
export function premiumPoints(premium: number, gpuCount: number, gpuMillis: number): number {
  return Math.round((premium * gpuCount * gpuMillis) / 1000 / POINT);
}

/** Points by which a node is preferred; `FORBIDDEN` where the request must not go. */
export function preferredAt({ preferences }: FleetRequest, slot: number): number {
  let sum = 0;
  for (let at = 0; at < preferences.length; at += 1) {
    const { values, points } = preferences[at] as Preference;
    const here = points[values[slot] as number] as number;
    if (here === FORBIDDEN) return FORBIDDEN;
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

function accepts({ kinds }: FleetRequest, kind: number): boolean {
  return kinds === null || kinds[kind] !== Infinity;
}

/**
 * The GPU that gives a share: the one whose leftover loses least value, of those the fullest, of those
 * the first; its position in the columns, or -1.
 */
export function shareOn(
  columns: FleetColumns,
  { gpuMillis, kinds }: FleetRequest,
  slot: number,
  leftover: Int32Array,
): number {
  const { gpuFree, gpuMemoryFree, gpuKind } = columns;
  const first = columns.gpuFirst[slot] as number;
  const end = first + (columns.gpuCount[slot] as number);
  let best = NO_GPU;
  let bestLost = 0;
  let bestFree = 0;
  for (let at = first; at < end; at += 1) {
    const free = gpuFree[at] as number;
    if (free < gpuMillis) continue;
    const memoryMiB = kinds === null ? 0 : (kinds[gpuKind[at] as number] as number);
    // A kind that is not accepted asks for more than even a device of unknown memory has.
    if (memoryMiB === Infinity || (gpuMemoryFree[at] as number) < memoryMiB) continue;
    const lost = lostOf(leftover, free, gpuMillis);
    if (best !== NO_GPU && (lost > bestLost || (lost === bestLost && free >= bestFree))) continue;
    best = at;
    bestLost = lost;
    bestFree = free;
  }
  return best;
}
