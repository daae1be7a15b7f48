import { assert } from "@berth/runtime/assert";
import type { Fleet } from "./fleet.ts";
import type { FleetRequest } from "./fleet-request.ts";
import { shareOn } from "./node-loss.ts";

/** Positions in the columns of the GPUs that a request is given on a node that fits it. */
export function gpusFor(fleet: Fleet, request: FleetRequest, slot: number): number[] {
  const { columns, prices } = fleet;
  if (request.gpuCount === 0) return [];
  if (request.gpuMillis < 1000) {
    const gpu = shareOn(columns, request, slot, prices.leftover);
    assert(gpu >= 0, `no share in slot ${slot}, which was found to fit`);
    return [gpu];
  }
  const models = new Map<string, number[]>();
  for (const gpu of idleGpus(fleet, request, slot)) {
    const { model } = fleet.kindAt(columns.gpuKind[gpu] as number);
    const alike = models.get(model) ?? [];
    models.set(model, alike);
    alike.push(gpu);
  }
  for (const alike of models.values()) {
    if (alike.length >= request.gpuCount) return alike.slice(0, request.gpuCount);
  }
  assert(false, `too few GPUs in slot ${slot}, which was found to fit`);
}

/** Those that are accepted, smallest memory first. */
function idleGpus(fleet: Fleet, { kinds }: FleetRequest, slot: number): number[] {
  const { columns } = fleet;
  const first = columns.gpuFirst[slot] as number;
  const end = first + (columns.gpuCount[slot] as number);
  const idle = [];
  for (let gpu = first; gpu < end; gpu += 1) {
    const kind = columns.gpuKind[gpu] as number;
    const isAccepted = kinds === null || kinds[kind] !== Number.POSITIVE_INFINITY;
    if (columns.gpuFree[gpu] === 1000 && isAccepted) idle.push(gpu);
  }
  if (columns.mixedGpus[slot] === 0) return idle;
  const memoryOf = (gpu: number) =>
    fleet.kindAt(columns.gpuKind[gpu] as number).memoryMiB ?? Number.MAX_SAFE_INTEGER;
  return idle.sort((a, b) => memoryOf(a) - memoryOf(b) || a - b);
}
