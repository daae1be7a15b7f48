import { distance } from "fastest-levenshtein";
import { z } from "zod";
import type { SpecProblem } from "./errors.ts";
import { ProjectName } from "./ids.ts";
import { issueMessage } from "./issue-message.ts";
import { limits } from "./limits.ts";
import { Expression } from "./placement-input.ts";
import { CpuMillis, MemoryMiB } from "./quantity-fields.ts";
import { QUANTITY_MAX, WHOLE_GPU_MILLIS } from "./quantity.ts";

/**
 * Projects, pools and reservations as people write them: units, and only what they want to say.
 * Strict, like workloads: an unknown field is an error with a suggestion.
 */
const GPU_HELP = "a number of GPUs, such as 8 or 0.5, in steps of 0.001";
const GpuMillis = z
  .number({ error: `expected ${GPU_HELP}` })
  .min(0)
  .transform((gpus) => Math.round(gpus * WHOLE_GPU_MILLIS * 1e6) / 1e6)
  .refine((millis) => Number.isInteger(millis), GPU_HELP)
  .refine((millis) => millis <= QUANTITY_MAX, "larger than any cluster has");

/** What is absent stays as it is; null says that nothing is said of it any more. */
const AmountsInput = z.strictObject({
  cpu: CpuMillis.nullable().optional(),
  memory: MemoryMiB.nullable().optional(),
  gpu: GpuMillis.nullable().optional(),
});

export const ProjectInput = z.strictObject({
  name: ProjectName,
  parent: ProjectName.nullable().optional(),
  weight: z.int().min(1).max(1_000_000).optional(),
  guaranteed: AmountsInput.nullable().optional(),
  limit: AmountsInput.nullable().optional(),
  mayBorrow: z.boolean().optional(),
});
/** What people write. */
export type ProjectInput = z.input<typeof ProjectInput>;
export type ProjectChange = z.output<typeof ProjectInput>;

export const PoolInput = z.strictObject({
  name: z.string().min(1).max(63),
  /** 1 grants each core once, 2 twice. */
  cpuOvercommit: z
    .number()
    .min(1)
    .max(100)
    .refine((times) => Number.isInteger(Math.round(times * 1e8) / 1e6), "in steps of 0.01"),
});
export type PoolInput = z.input<typeof PoolInput>;
export type PoolChange = z.output<typeof PoolInput>;

/** The last moment that JavaScript's dates know. */
const MOMENT_MAX = 8_640_000_000_000_000;
const Moment = z
  .int({ error: "expected Unix milliseconds, such as 1803888000000" })
  .min(0)
  .max(MOMENT_MAX);

export const ReservationInput = z.strictObject({
  project: ProjectName,
  from: Moment,
  to: Moment,
  /** Whole nodes. */
  nodes: z.int().min(1).max(limits.reservedNodesMax),
  /** Least GPUs of each of them. */
  gpus: z.int().min(0).max(limits.gpusPerAllocationMax).default(0),
  constraints: z.array(Expression).max(limits.constraintsMax).default([]),
});
/** What people write. */
export type ReservationInput = z.input<typeof ReservationInput>;
export type ReservationRequest = z.output<typeof ReservationInput>;

export type Read<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problems: SpecProblem[] };

/** Reads what somebody wrote by its schema, and reports everything that is wrong with it at once. */
export function readPolicy<Schema extends z.ZodObject>(
  schema: Schema,
  document: unknown,
): Read<z.output<Schema>> {
  const parsed = schema.safeParse(document, { error: issueMessage });
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, problems: parsed.error.issues.flatMap((issue) => describe(document, issue)) };
}

const fieldsOfAmounts = Object.keys(AmountsInput.shape);
const fieldsOf = [ProjectInput, PoolInput, ReservationInput].flatMap(({ shape }) =>
  Object.keys(shape),
);

function describe(document: unknown, issue: z.core.$ZodIssue): SpecProblem[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      ...policyProblem([...path, key], `unknown field '${key}'`, valueAt(document, [...path, key])),
      suggestion: nearest(key, path.length === 0 ? fieldsOf : fieldsOfAmounts),
    }));
  }
  return [policyProblem(path, issue.message, valueAt(document, path))];
}

/** A problem of one place of what somebody wrote. */
export function policyProblem(
  path: (string | number)[],
  message: string,
  value: unknown,
  suggestion: string | null = null,
): SpecProblem {
  const shown = value === undefined ? null : JSON.stringify(value);
  return {
    document: 0,
    path,
    message,
    value: shown === null ? null : shown.slice(0, VALUE_SHOWN_MAX),
    suggestion,
  };
}

const VALUE_SHOWN_MAX = 80;

function nearest(word: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, edits: distance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(2, Math.floor(name.length / 3)))
    .sort((a, b) => a.edits - b.edits);
  return best ? `did you mean '${best.name}'?` : `known here: ${known.join(", ")}`;
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}
