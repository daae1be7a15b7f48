import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { checkAcrossFields } from "./check-across-fields.ts";
import { type Constraint, parseConstraint } from "./constraint.ts";
import { findContradiction } from "./contradiction.ts";
import type { SpecProblem } from "./errors.ts";
import { gangSizeMax } from "./gang-size.ts";
import { issueMessage } from "./issue-message.ts";
import { limits } from "./limits.ts";
import { utf8Length } from "./utf8-length.ts";
import {
  BatchInput,
  normalizeWorkload,
  ServiceInput,
  SystemInput,
  WorkloadInput,
  workloadKinds,
} from "./workload-input.ts";
import type { WorkloadSpec } from "./workload-spec.ts";

export type Validated =
  | { ok: true; specs: WorkloadSpec[] }
  | { ok: false; problems: SpecProblem[] };

/**
 * Validates documents as people write them and reports every problem of every one at once, each
 * with its path, the offending value and, where one is near, a suggestion.
 */
export function validateWorkloads(documents: readonly unknown[]): Validated {
  if (documents.length > limits.workloadsPerApplyMax) {
    const text = `${documents.length} workloads; at most ${limits.workloadsPerApplyMax} at once`;
    return { ok: false, problems: [problem(0, [], text, undefined)] };
  }
  const problems: SpecProblem[] = [];
  const accepted: Accepted[] = [];
  for (const [document, value] of documents.entries()) {
    const parsed = WorkloadInput.safeParse(value, { error: issueMessage });
    if (parsed.success) accepted.push({ document, spec: normalizeWorkload(parsed.data) });
    else problems.push(...describeAll(document, value, parsed.error.issues));
    for (const { path, message, value: offending } of checkAcrossFields(value)) {
      problems.push(problem(document, path, message, offending));
    }
  }
  problems.push(
    ...findRepeated(accepted),
    ...findOversized(accepted),
    ...findHopeless(accepted),
    ...findLargeGangs(accepted),
  );
  if (problems.length === 0) return { ok: true, specs: accepted.map(({ spec }) => spec) };
  return { ok: false, problems: problems.toSorted((a, b) => a.document - b.document) };
}

interface Accepted {
  readonly document: number;
  readonly spec: WorkloadSpec;
}

/**
 * With an unknown kind the schema says no more than that; the rest is then judged as the kind that
 * was probably meant.
 */
function describeAll(document: number, value: unknown, issues: readonly Issue[]): SpecProblem[] {
  const problems = issues.flatMap((issue) => describe(document, value, issue));
  const isOnlyKind = issues.every(
    (issue) => issue.code === "invalid_union" && issue.path[0] === "kind",
  );
  if (!isOnlyKind || !isRecord(value)) return problems;
  const kind = workloadKinds.find((known) => near(String(value["kind"]), [known])) ?? "service";
  const guess = { ...value, kind };
  const rest = WorkloadInput.safeParse(guess, { error: issueMessage });
  return [
    ...problems,
    ...(rest.error?.issues ?? []).flatMap((issue) => describe(document, guess, issue)),
  ];
}

function findRepeated(accepted: readonly Accepted[]): SpecProblem[] {
  const seen = new Set<string>();
  return accepted.flatMap(({ document, spec }) => {
    const id = `${spec.project}/${spec.name}`;
    if (seen.has(id))
      return [problem(document, ["name"], `'${id}' is in this submission twice`, spec.name)];
    seen.add(id);
    return [];
  });
}

function findOversized(accepted: readonly Accepted[]): SpecProblem[] {
  return accepted.flatMap(({ document, spec }) => {
    const bytes = utf8Length(JSON.stringify(spec));
    return bytes <= limits.workloadSpecBytesMax
      ? []
      : [
          problem(
            document,
            [],
            `${bytes} bytes as JSON; at most ${limits.workloadSpecBytesMax}`,
            undefined,
          ),
        ];
  });
}

/** Constraints that contradict each other, or the pool. */
function findHopeless(accepted: readonly Accepted[]): SpecProblem[] {
  return accepted.flatMap(({ document, spec }) => {
    const pool = spec.placement?.pool;
    const inPool: Constraint[] =
      pool === undefined
        ? []
        : [{ op: "compare", comparison: "==", path: "node.pool", value: pool }];
    const written = spec.constraints.map((source) => parseConstraint(source));
    const all = [...inPool, ...written.flatMap((one) => (one.ok ? [one.constraint] : []))];
    const found = findContradiction(all);
    if (!found) return [];
    const at = found.index - inPool.length;
    const others = found.index === 0 ? "" : at === 0 ? " in this pool" : " and those before it";
    const message = `no node can ever meet this${others}: ${found.path} contradicts itself`;
    return [problem(document, ["constraints", at], message, spec.constraints[at])];
  });
}

/** A gang is placed as a whole, so that as a whole it must fit the log. */
function findLargeGangs(accepted: readonly Accepted[]): SpecProblem[] {
  return accepted.flatMap(({ document, spec }) => {
    if (spec.kind === "system" || !spec.placement?.gang) return [];
    const most = gangSizeMax(spec);
    if (spec.count <= most) return [];
    const text = `a gang of such tasks has at most ${most} members: all are written to the log at once`;
    return [problem(document, ["count"], text, spec.count)];
  });
}

type Issue = z.core.$ZodIssue;
type Path = (string | number)[];

function describe(document: number, root: unknown, issue: Issue): SpecProblem[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const known = knownKeys(root, path);
      return {
        ...problem(
          document,
          [...path, key],
          `unknown field '${key}'`,
          valueAt(root, [...path, key]),
        ),
        suggestion:
          near(key, known) ?? (known.length > 0 ? `known here: ${known.join(", ")}` : null),
      };
    });
  }
  const text =
    issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  const value = issue.code === "invalid_key" ? path.at(-1) : valueAt(root, path);
  return [{ ...problem(document, path, text, value), suggestion: suggest(issue, value) }];
}

function suggest(issue: Issue, value: unknown): string | null {
  if (typeof value !== "string") return null;
  if (issue.code === "invalid_type" && issue.expected === "array") {
    const isCommand = issue.path.at(-1) === "command" && /\s/.test(value);
    return `write it as a list: ${isCommand ? '["sh", "-c", ' : "["}${JSON.stringify(value)}]`;
  }
  if (issue.code === "invalid_value") return near(value, issue.values.map(String));
  if (issue.code === "invalid_union") return near(value, workloadKinds);
  return null;
}

function near(word: string, known: readonly string[]): string | null {
  const [best] = known
    .map((candidate) => ({
      candidate,
      edits: distance(word.toLowerCase(), candidate.toLowerCase()),
    }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1));
  return best ? `did you mean '${best.candidate}'?` : null;
}

/** The fields the schema knows at a path of this document. */
function knownKeys(root: unknown, path: Path): string[] {
  const kind = isRecord(root) ? root["kind"] : null;
  let schema: unknown =
    kind === "batch" ? BatchInput : kind === "system" ? SystemInput : ServiceInput;
  for (const key of path) schema = child(unwrap(schema), key);
  const shape = shapeOf(unwrap(schema));
  return shape ? Object.keys(shape) : [];
}

type Definition = {
  innerType?: unknown;
  in?: unknown;
  shape?: Record<string, unknown>;
  valueType?: unknown;
  element?: unknown;
};

function definition(schema: unknown): Definition {
  const holder = schema as { _zod?: { def?: Definition } } | undefined;
  return holder?._zod?.def ?? {};
}

function unwrap(schema: unknown): unknown {
  const { innerType, in: input } = definition(schema);
  return innerType ? unwrap(innerType) : input ? unwrap(input) : schema;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  return definition(schema).shape;
}

function child(schema: unknown, key: string | number): unknown {
  const { shape, valueType, element } = definition(schema);
  return shape ? shape[key] : (valueType ?? element);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key];
  }
  return value;
}

function problem(document: number, path: Path, text: string, value: unknown): SpecProblem {
  const shown = value === undefined ? null : JSON.stringify(value);
  return {
    document,
    path,
    message: text,
    value: shown === null ? null : shown.length > 80 ? `${shown.slice(0, 77)}...` : shown,
    suggestion: null,
  };
}
