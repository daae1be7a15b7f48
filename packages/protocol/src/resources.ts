import { z } from "zod";
import { QUANTITY_MAX } from "./quantity.ts";

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

/** What a task asks of GPUs: whole devices, optionally of certain models and with enough memory. */
export const GpuRequest = z.object({
  count: z.int().min(1).max(64),
  /** Case-insensitive parts of the model name, any of which may match; empty means any model. */
  models: z.array(z.string()),
  /** Least memory of each device. */
  memoryMiB: Amount,
});
export type GpuRequest = z.infer<typeof GpuRequest>;

export const PortNumber = z.int().min(1).max(65_535);

/** What an allocation was given. */
export const Grant = z.object({
  ...ResourceAmounts.shape,
  gpuUuids: z.array(z.string()),
  /** Port name → number on the node. */
  ports: z.record(z.string(), PortNumber),
});
export type Grant = z.infer<typeof Grant>;
