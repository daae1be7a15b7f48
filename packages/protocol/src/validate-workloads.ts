import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import type { SpecProblem } from "./errors.ts";
import { limits } from "./limits.ts";
import { BatchInput, normalizeWorkload, ServiceInput, SystemInput, WorkloadInput } from "./workload-input.ts";
import type { WorkloadSpec } from "./workload-spec.ts";

export type Validated =
  | { ok: true; specs: WorkloadSpec[] }
  | { ok: false; problems: SpecProblem[] };

/**
 * Validates documents as people write them and reports every problem of every one at once, each
 * with its path, the offending value and, where one is near, a suggestion.
 */
export function validateWorkloads(documents: readonly unknown[]): Validated {
  const problems: SpecProblem[] = [];
  const specs: WorkloadSpec[] = [];
  if (documents.length > limits.workloadsPerApplyMax) {
    problems.push(
      problem(0, [], `at most ${limits.workloadsPerApplyMax} workloads at once`, documents.length),
    );
  }
  for (const [document, value] of documents.entries()) {
    const parsed = WorkloadInput.safeParse(value);
    if (parsed.success) specs.push(normalizeWorkload(parsed.data));
    else problems.push(...parsed.error.issues.flatMap((issue) => describe(document, value, issue)));
  }
  problems.push(...findRepeated(specs), ...findOversized(specs));
  return problems.length === 0 ? { ok: true, specs } : { ok: false, problems };
}

function findRepeated(specs: readonly WorkloadSpec[]): SpecProblem[] {
  const seen = new Set<string>();
  return specs.flatMap((spec, document) => {
    const id = `${spec.project}/${spec.name}`;
    if (seen.has(id)) return [problem(document, ["name"], `'${id}' is in this submission twice`, spec.name)];
    seen.add(id);
    return [];
  });
}

function findOversized(specs: readonly WorkloadSpec[]): SpecProblem[] {
  return specs.flatMap((spec, document) => {
    const bytes = utf8Length(JSON.stringify(spec));
    return bytes <= limits.workloadSpecBytesMax
      ? []
      : [problem(document, [], `${bytes} bytes as JSON; at most ${limits.workloadSpecBytesMax}`, undefined)];
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
        ...problem(document, [...path, key], `unknown field '${key}'`, valueAt(root, [...path, key])),
        suggestion:
          near(key, known) ?? (known.length > 0 ? `known here: ${known.join(", ")}` : null),
      };
    });
  }
  const value = valueAt(root, path);
  return [{ ...problem(document, path, message(issue, value), value), suggestion: suggest(issue, value) }];
}

function message(issue: Issue, value: unknown): string {
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    return value === undefined
      ? "missing; one of service, batch, system"
      : "not a kind of workload; one of service, batch, system";
  }
  if (value === undefined && issue.code === "invalid_type") return `missing; expected ${issue.expected}`;
  if (issue.code === "invalid_value") return `expected one of ${issue.values.map(String).join(", ")}`;
  return issue.message;
}

function suggest(issue: Issue, value: unknown): string | null {
  if (typeof value !== "string") return null;
  if (issue.code === "invalid_value") return near(value, issue.values.map(String));
  if (issue.code === "invalid_union") return near(value, ["service", "batch", "system"]);
  return null;
}

function near(word: string, known: readonly string[]): string | null {
  const [best] = known
    .map((candidate) => ({ candidate, edits: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((a, b) => a.edits - b.edits || (a.candidate < b.candidate ? -1 : 1));
  return best ? `did you mean '${best.candidate}'?` : null;
}

/** The fields the schema knows at a path of this document. */
function knownKeys(root: unknown, path: Path): string[] {
  const kind = typeof root === "object" && root !== null && "kind" in root ? root.kind : null;
  let schema: unknown = kind === "batch" ? BatchInput : kind === "system" ? SystemInput : ServiceInput;
  for (const key of path) schema = child(unwrap(schema), key);
  const shape = shapeOf(unwrap(schema));
  return shape ? Object.keys(shape) : [];
}

type Definition = { innerType?: unknown; in?: unknown; shape?: Record<string, unknown>; valueType?: unknown; element?: unknown };

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

/** Bytes as UTF-8, without a platform's encoder: 1 to 4 a code point. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
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
