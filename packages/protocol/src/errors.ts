import { z } from "zod";

export { BerthError } from "./berth-error.ts";

/**
 * Error codes on the wire. A code is a contract: callers branch on it, never on message text.
 * Readers map an unknown code to `unknown`.
 */
export const errorCodes = [
  "invalid", // the request does not have the method's shape
  "spec.invalid", // the workload spec has problems; `problems` lists every one
  "not_found", // no such workload, node or allocation; `details.near` has similar names
  "conflict", // the state does not allow it (for example: remove while running)
  "overloaded", // a bounded queue is full; try again
  "not_leader", // this replica cannot accept writes now; try again
  "behind", // this replica has not read the log as far as the request wants; try again
  "log.unavailable", // the log did not acknowledge; whether it is stored is unknown
  "log.full", // the log's disk is full; nothing was stored
  "denied", // the caller may not do this
  "timeout", // no answer in time
  "unreachable", // nothing answers at the address tried
  "wrong_cluster", // the agent belongs to another cluster
  "internal", // a bug
  "unknown", // a code this version does not know
] as const;

export type ErrorCode = (typeof errorCodes)[number];
export const ErrorCodeSchema = z.enum(errorCodes).catch("unknown");

/** One thing wrong with one place of a spec. `path` is the JSON path, e.g. `["task","command",0]`. */
export const SpecProblem = z.object({
  /** Index of the document in the submitted list. */
  document: z.int().min(0),
  path: z.array(z.union([z.string(), z.number()])),
  message: z.string(),
  /** The offending value, shortened, as JSON; null when the value is missing. */
  value: z.string().nullable(),
  /** What would be right; null when nothing better can be said. */
  suggestion: z.string().nullable(),
});
export type SpecProblem = z.infer<typeof SpecProblem>;

/** Something about an accepted spec that is probably not meant, as the cluster is now. */
export const SpecWarning = SpecProblem.pick({ path: true, message: true, suggestion: true });
export type SpecWarning = z.infer<typeof SpecWarning>;

export const WireError = z.object({
  code: ErrorCodeSchema,
  message: z.string(),
  /** What the caller can do about it; null when there is nothing. */
  hint: z.string().nullable().default(null),
  retryable: z.boolean(),
  details: z.record(z.string(), z.json()).default({}),
  problems: z.array(SpecProblem).default([]),
});
export type WireError = z.infer<typeof WireError>;
