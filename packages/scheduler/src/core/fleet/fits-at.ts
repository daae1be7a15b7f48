import type { Fleet } from "./fleet.ts";
import { type FleetRequest, isShare } from "./fleet-request.ts";
import { LOSS_MAX, lossAt } from "./node-loss.ts";

/**
 * How many of a request a node could still take, one after the other, as far as the columns tell and as
 * if no preference forbade any; at most `fitsMax`. The same as `room/fits.ts` says of a node itself.
 */
export function fitsAt(fleet: Fleet, request: FleetRequest, slot: number, fitsMax: number): number {
  if (!fleet.isOpen(slot) || lossAt(fleet, request, slot) >= LOSS_MAX) return 0;
  const { columns } = fleet;
  let fits = fitsMax;
  const atMost = (free: number, asked: number) => {
    if (asked > 0) fits = Math.min(fits, Math.floor(free / asked));
  };
  atMost(columns.cpuFree[slot] as number, request.cpuMillis);
  atMost(columns.memoryFree[slot] as number, request.memoryMiB);
  atMost(columns.diskFree[slot] as number, request.diskMiB);
  atMost(columns.networkFree[slot] as number, request.networkMbps);
  atMost(columns.portsFree[slot] as number, request.ports);
  return request.gpuCount === 0 ? fits : Math.min(fits, gpuFitsAt(fleet, request, slot));
}

function gpuFitsAt(fleet: Fleet, request: FleetRequest, slot: number): number {
  const { columns } = fleet;
  const { kinds, gpuMillis, gpuCount } = request;
  const first = columns.gpuFirst[slot] as number;
  if (!isShare(request) && columns.mixedGpus[slot] === 0) {
    // One kind, which is accepted where anything fits.
    return Math.floor((columns.idleGpus[slot] as number) / gpuCount);
  }
  const end = first + (columns.gpuCount[slot] as number);
  const idle = new Map<string, number>();
  let shares = 0;
  for (let gpu = first; gpu < end; gpu += 1) {
    const kind = columns.gpuKind[gpu] as number;
    const memoryMiB = kinds === null ? 0 : (kinds[kind] as number);
    const free = columns.gpuFree[gpu] as number;
    if (memoryMiB === Number.POSITIVE_INFINITY || free < gpuMillis) continue;
    if (isShare(request)) {
      const byMemory = memoryMiB === 0 ? Infinity : (columns.gpuMemoryFree[gpu] ?? 0) / memoryMiB;
      shares += Math.floor(Math.min(free / gpuMillis, byMemory));
    } else {
      const { model } = fleet.kindAt(kind);
      idle.set(model, (idle.get(model) ?? 0) + 1);
    }
  }
  for (const count of idle.values()) shares += Math.floor(count / gpuCount);
  return shares;
}
