import type { Gpu, GpuRequest } from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { NodeRecord } from "../state/cluster-state.ts";
import type { NodeUsage } from "./ledger.ts";

/** The node's devices of an asked-for model with enough memory; unknown memory is not enough. */
export function matchingGpus(node: NodeRecord, request: GpuRequest): readonly Gpu[] {
  return node.description.hardware.gpus.filter((gpu) => matches(gpu, request));
}

export function freeGpus(node: NodeRecord, usage: NodeUsage, request: GpuRequest): readonly Gpu[] {
  return matchingGpus(node, request).filter((gpu) => !usage.gpus.has(gpu.uuid));
}

/** The smallest devices that do, so that the large ones stay for those who need them. */
export function chooseGpus(node: NodeRecord, usage: NodeUsage, request: GpuRequest): string[] {
  return freeGpus(node, usage, request)
    .toSorted((a, b) => memoryOf(a) - memoryOf(b) || byCodeUnit(a.uuid, b.uuid))
    .slice(0, request.count)
    .map((gpu) => gpu.uuid);
}

function matches(gpu: Gpu, { models, memoryMiB }: GpuRequest): boolean {
  if (memoryMiB > 0 && (gpu.memoryMiB === null || gpu.memoryMiB < memoryMiB)) return false;
  if (models.length === 0) return true;
  const model = gpu.model.toLowerCase();
  return models.some((part) => model.includes(part));
}

function memoryOf(gpu: Gpu): number {
  return gpu.memoryMiB ?? Number.MAX_SAFE_INTEGER;
}
