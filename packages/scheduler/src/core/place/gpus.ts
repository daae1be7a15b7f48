import { type Gpu, type GpuRequest, WHOLE_GPU_MILLIS } from "@berth/protocol";
import { byCodeUnit } from "../state/canonical-text.ts";
import type { Described, NodeRecord } from "../state/cluster-state.ts";
import type { NodeUsage } from "./ledger.ts";

/** What is granted by itself: a GPU, or one slice of a GPU that was partitioned. */
export interface GpuDevice {
  readonly uuid: string;
  readonly model: string;
  readonly memoryMiB: number | null;
  /** Of a slice; null for all of a GPU. */
  readonly profile: string | null;
  /** Nothing more is granted of a device that is not; of a slice that of its GPU. */
  readonly isHealthy: boolean;
}

const devicesOf = new WeakMap<readonly Gpu[], readonly GpuDevice[]>();

/** The node's devices in a fixed order, made once for each description. */
export function gpuDevices({ description }: Described): readonly GpuDevice[] {
  const { gpus } = description.hardware;
  const known = devicesOf.get(gpus);
  if (known) return known;
  const devices = gpus.flatMap(({ uuid, model, memoryMiB, slices = [], health }): GpuDevice[] => {
    const isHealthy = health?.state !== "unhealthy";
    return slices.length === 0
      ? [{ uuid, model, memoryMiB, profile: null, isHealthy }]
      : slices.map((slice) => ({ ...slice, model, isHealthy }));
  });
  devicesOf.set(gpus, devices);
  return devices;
}

/** Those of them that something may be granted of. */
export function healthyGpus(node: Described): readonly GpuDevice[] {
  const devices = gpuDevices(node);
  return devices.every(({ isHealthy }) => isHealthy)
    ? devices
    : devices.filter(({ isHealthy }) => isHealthy);
}

/** Devices that are what was asked for, also unhealthy ones; unknown memory is not enough. */
export function gpusOfKind(node: Described, request: GpuRequest): readonly GpuDevice[] {
  return gpuDevices(node).filter((gpu) => matches(gpu, request));
}

/** Healthy devices that are what was asked for, whether free or not. */
export function matchingGpus(node: Described, request: GpuRequest): readonly GpuDevice[] {
  return gpuDevices(node).filter((gpu) => gpu.isHealthy && matches(gpu, request));
}

/** Those of them that nothing is granted of. */
export function freeGpus(
  node: NodeRecord,
  usage: NodeUsage,
  request: GpuRequest,
): readonly GpuDevice[] {
  return matchingGpus(node, request).filter((gpu) => !usage.gpus.has(gpu.uuid));
}

export function isShare({ shareMillis = WHOLE_GPU_MILLIS }: GpuRequest): boolean {
  return shareMillis < WHOLE_GPU_MILLIS;
}

/** How many of these are of one model: several devices are only granted together as equals. */
export function mostOfOneModel(gpus: readonly GpuDevice[]): number {
  const counts = new Map<string, number>();
  for (const { model } of gpus) counts.set(model, (counts.get(model) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** What is left of a device, in thousandths. */
export function freeShareMillis(usage: NodeUsage, { uuid }: GpuDevice): number {
  return WHOLE_GPU_MILLIS - (usage.gpus.get(uuid)?.shareMillis ?? 0);
}

/** Memory that a share of the device takes; null where nobody knows how much the device has. */
export function memoryOfShare(gpu: GpuDevice, request: GpuRequest): number | null {
  if (request.memoryMiB > 0) return request.memoryMiB;
  if (gpu.memoryMiB === null) return null;
  return Math.floor((gpu.memoryMiB * (request.shareMillis ?? WHOLE_GPU_MILLIS)) / WHOLE_GPU_MILLIS);
}

/** Whether the device has both the share and the memory for it left. */
export function fitsShare(usage: NodeUsage, gpu: GpuDevice, request: GpuRequest): boolean {
  const shareMillis = request.shareMillis ?? WHOLE_GPU_MILLIS;
  if (freeShareMillis(usage, gpu) < shareMillis) return false;
  const wantedMiB = memoryOfShare(gpu, request);
  if (wantedMiB === null || gpu.memoryMiB === null) return true;
  const takenMiB = usage.gpus.get(gpu.uuid)?.memoryMiB ?? 0;
  return takenMiB + wantedMiB <= gpu.memoryMiB;
}

/** The devices of the largest model group that suffices, smallest memory first. */
export function chooseGpus(
  node: NodeRecord,
  usage: NodeUsage,
  request: GpuRequest,
  isAllowed: (uuid: string) => boolean = () => true,
): GpuDevice[] {
  const free = freeGpus(node, usage, request).filter(({ uuid }) => isAllowed(uuid));
  const models = new Map<string, GpuDevice[]>();
  for (const gpu of free.toSorted(bySize)) {
    const known = models.get(gpu.model);
    if (known) known.push(gpu);
    else models.set(gpu.model, [gpu]);
  }
  for (const group of models.values()) {
    if (group.length >= request.count) return group.slice(0, request.count);
  }
  return [];
}

/**
 * The device that gives a share: the one whose leftover loses least value by it, of those the one with
 * least left, of those the first; null for none. `leftover` has the value of what is left of a device,
 * by thousandths; without it, what is left is all that counts.
 */
export function chooseShare(
  node: NodeRecord,
  usage: NodeUsage,
  request: GpuRequest,
  isAllowed: (uuid: string) => boolean = () => true,
  leftover: Int32Array | null = null,
): GpuDevice | null {
  const shareMillis = request.shareMillis ?? WHOLE_GPU_MILLIS;
  let best: GpuDevice | null = null;
  let bestFree = Number.POSITIVE_INFINITY;
  let bestLost = Number.POSITIVE_INFINITY;
  for (const gpu of matchingGpus(node, request)) {
    if (!isAllowed(gpu.uuid) || !fitsShare(usage, gpu, request)) continue;
    const free = freeShareMillis(usage, gpu);
    const lost = (leftover?.[free] ?? 0) - (leftover?.[free - shareMillis] ?? 0);
    if (lost > bestLost || (lost === bestLost && free >= bestFree)) continue;
    best = gpu;
    bestFree = free;
    bestLost = lost;
  }
  return best;
}

function bySize(a: GpuDevice, b: GpuDevice): number {
  return memoryOf(a) - memoryOf(b) || byCodeUnit(a.uuid, b.uuid);
}

function matches(gpu: GpuDevice, request: GpuRequest): boolean {
  return gpu.profile === (request.slice ?? null) && acceptsGpu(gpu, request);
}

/** Whether the request, its model parts in lower case, accepts devices of this kind. */
export function acceptsGpu(
  gpu: Pick<Gpu, "model" | "memoryMiB">,
  { models, memoryMiB }: { readonly models: readonly string[]; readonly memoryMiB: number },
): boolean {
  if (memoryMiB > 0 && (gpu.memoryMiB === null || gpu.memoryMiB < memoryMiB)) return false;
  if (models.length === 0) return true;
  const model = gpu.model.toLowerCase();
  return models.some((part) => model.includes(part));
}

function memoryOf(gpu: GpuDevice): number {
  return gpu.memoryMiB ?? Number.MAX_SAFE_INTEGER;
}
