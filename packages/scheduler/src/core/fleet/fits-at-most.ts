import type { Fleet } from "./fleet.ts";
import type { FleetRequest } from "./fleet-request.ts";
import { LOSS_MAX, lossAt } from "./node-loss.ts";

/**
 * How many of a request a node may take, one after the other, as far as the columns tell: never fewer
 * than it does.
 */
export function fitsAtMost(fleet: Fleet, request: FleetRequest, slot: number): number {
  if (!fleet.isOpen(slot) || lossAt(fleet, request, slot) >= LOSS_MAX) return 0;
  const { columns } = fleet;
  return Math.min(
    quotient(columns.cpuFree[slot] as number, request.cpuMillis),
    quotient(columns.memoryFree[slot] as number, request.memoryMiB),
    quotient(columns.networkFree[slot] as number, request.networkMbps),
    quotient(columns.portsFree[slot] as number, request.ports),
    gpusAtMost(fleet, request, slot),
  );
}

function quotient(free: number, asked: number): number {
  return asked > 0 ? Math.floor(free / asked) : Number.POSITIVE_INFINITY;
}

function gpusAtMost(
  { columns }: Fleet,
  { gpuCount, gpuMillis, kinds }: FleetRequest,
  slot: number,
): number {
  if (gpuCount === 0) return Number.POSITIVE_INFINITY;
  const first = columns.gpuFirst[slot] as number;
  const end = first + (columns.gpuCount[slot] as number);
  let shares = 0;
  for (let at = first; at < end; at += 1) {
    const isAccepted = kinds === null || kinds[columns.gpuKind[at] as number] !== Infinity;
    if (isAccepted) shares += Math.floor((columns.gpuFree[at] as number) / gpuMillis);
  }
  return Math.floor(shares / gpuCount);
}
