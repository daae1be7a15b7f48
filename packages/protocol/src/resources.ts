import { z } from "zod";
import { DEVICES_MAX } from "./device-name.ts";
import { QUANTITY_MAX, WHOLE_GPU_MILLIS } from "./quantity.ts";

const Amount = z.int().min(0).max(QUANTITY_MAX);

/** The scalar dimensions, in the order in which a node is checked and explained. */
export const dimensions = ["cpuMillis", "memoryMiB", "diskMiB", "networkMbps"] as const;
export type Dimension = (typeof dimensions)[number];

/** What a task asks for, or is granted. Integers; 0 means it does not need the dimension. */
export const ResourceAmounts = z.object({
  cpuMillis: Amount,
  memoryMiB: Amount,
  diskMiB: Amount,
  networkMbps: Amount,
});
export type ResourceAmounts = z.infer<typeof ResourceAmounts>;

/** What a node has. Network is null where the speed of its links is unknown: unknown is not 0. */
export const ResourceCapacity = z.object({
  cpuMillis: Amount,
  memoryMiB: Amount,
  diskMiB: Amount,
  networkMbps: Amount.nullable(),
});
export type ResourceCapacity = z.infer<typeof ResourceCapacity>;

/**
 * What a task asks of GPUs: whole devices of one model, a share of one device, or slices that a
 * device was partitioned into. What is absent is not asked for.
 */
export const GpuRequest = z.object({
  count: z.int().min(1).max(64),
  /** Case-insensitive parts of the model name, any of which may match; empty means any model. */
  models: z.array(z.string()),
  /** Least memory of each device; for a share, what it takes of the device's memory. */
  memoryMiB: Amount,
  /** Thousandths of one device, when less than all of it. */
  shareMillis: z.int().min(1).max(WHOLE_GPU_MILLIS).optional(),
  /** The profile of a slice (MIG), such as `1g.10gb`. */
  slice: z.string().min(1).optional(),
});
export type GpuRequest = z.infer<typeof GpuRequest>;

/** What a disk is made of, fastest first. */
export const mediaClasses = ["nvme", "ssd", "hdd"] as const;
export const MediaClass = z.enum(mediaClasses);
export type MediaClass = z.infer<typeof MediaClass>;

/** Counted devices by name, such as `fpga`. */
export const DeviceCounts = z.record(z.string(), z.int().min(0).max(DEVICES_MAX));
export type DeviceCounts = z.infer<typeof DeviceCounts>;

/** Everything a task asks of a node. What is absent is not asked for. */
export const ResourceRequest = z.object({
  ...ResourceAmounts.shape,
  gpu: GpuRequest.nullable(),
  /** What the disk space must be of. */
  diskClass: MediaClass.optional(),
  devices: DeviceCounts.optional(),
  /** All cpu, memory and GPUs in one NUMA zone: if there is one, or else nowhere. */
  numa: z.enum(["prefer", "require"]).optional(),
  /** Whole cores that nothing else is granted; `cpuMillis` is a multiple of 1000. */
  exclusiveCores: z.literal(true).optional(),
});
export type ResourceRequest = z.infer<typeof ResourceRequest>;

export const PortNumber = z.int().min(1).max(65_535);

/** What an allocation was given. */
export const Grant = z.object({
  ...ResourceAmounts.shape,
  /** Devices, or slices of devices. */
  gpuUuids: z.array(z.string()),
  /** Port name → number on the node. */
  ports: z.record(z.string(), PortNumber),
  /** Thousandths of the one device, when not all of it; its memory with it, where that is known. */
  gpuShareMillis: z.int().min(1).max(WHOLE_GPU_MILLIS).optional(),
  gpuMemoryMiB: Amount.optional(),
  devices: DeviceCounts.optional(),
  /** Which of the node's `storage` the disk space is of; absent where it has but one. */
  storage: z.int().min(0).optional(),
  /** The NUMA zone that all of it is in. */
  zone: z.int().min(0).optional(),
  exclusiveCores: z.literal(true).optional(),
});
export type Grant = z.infer<typeof Grant>;
