import { z } from "zod";
import { ProjectName } from "./ids.ts";
import { QUANTITY_MAX } from "./quantity.ts";

const Amount = z.int().min(0).max(QUANTITY_MAX);

/** What quotas and fair shares count. GPUs in thousandths, so that shares count as well. */
export const quotaDimensions = ["cpuMillis", "memoryMiB", "gpuMillis"] as const;
export type QuotaDimension = (typeof quotaDimensions)[number];

/** Null: nothing is said of the dimension. */
export const QuotaAmounts = z.object({
  cpuMillis: Amount.nullable(),
  memoryMiB: Amount.nullable(),
  gpuMillis: Amount.nullable(),
});
export type QuotaAmounts = z.infer<typeof QuotaAmounts>;

/** A project as its operator configured it. One that nobody configured has weight 1 and no quota. */
export const Project = z.object({
  name: ProjectName,
  /** The project whose share and limit it is part of; null: the cluster's own. */
  parent: ProjectName.nullable(),
  /** Its share relative to its siblings'. */
  weight: z.int().min(1).max(1_000_000),
  /** What it can always get back from those who borrow it. */
  guaranteed: QuotaAmounts,
  /** Never exceeded, by it and everything below it together. */
  limit: QuotaAmounts,
  /** Whether it may use what others are guaranteed and do not use. */
  mayBorrow: z.boolean(),
});
export type Project = z.infer<typeof Project>;

/** What an operator says of a pool of nodes. */
export const Pool = z.object({
  name: z.string().min(1),
  /** 100: cores are granted once. 200: each is granted twice. */
  cpuOvercommitPercent: z.int().min(100).max(10_000),
});
export type Pool = z.infer<typeof Pool>;

/** Nodes that are held for a project from one moment to another. */
export const Reservation = z.object({
  id: z.string().regex(/^r[1-9][0-9]{0,15}$/),
  project: ProjectName,
  fromUnixMs: z.number(),
  toUnixMs: z.number(),
  /** Whole nodes. */
  nodes: z.int().min(1),
  /** Least GPUs of each of them. */
  gpus: z.int().min(0),
  /** Constraint expressions that each of them meets. */
  constraints: z.array(z.string()),
});
export type Reservation = z.infer<typeof Reservation>;
