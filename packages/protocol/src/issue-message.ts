import type { z } from "zod";

type Issue = z.core.$ZodRawIssue;

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
  record: "a mapping",
};

/** What is wrong, in a person's words; a message that a schema gives itself comes before this. */
export function issueMessage(issue: Issue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type":
      return input === undefined
        ? `missing; expected ${typeName(issue.expected)}`
        : `expected ${typeName(issue.expected)}`;
    case "too_small":
      return tooSmall(issue.origin, Number(issue.minimum));
    case "too_big":
      return `at most ${amount(issue.origin, Number(issue.maximum))}`;
    case "invalid_value":
      return `expected ${listed(issue.values.map(String))}`;
    case "invalid_union":
      return issue.discriminator === undefined ? undefined : kindMessage(input, issue.options);
    case "unrecognized_keys":
    case "invalid_format":
    case "not_multiple_of":
    case "invalid_key":
    case "invalid_element":
    case "custom":
      return undefined;
  }
}

function kindMessage(input: unknown, options: unknown): string {
  const kinds = Array.isArray(options) ? listed(options.map(String)) : "a kind";
  const isMissing = typeof input === "object" && input !== null && !("kind" in input);
  return isMissing ? `missing; expected ${kinds}` : `not a kind of workload; expected ${kinds}`;
}

function tooSmall(origin: string, minimum: number): string {
  if (minimum === 1 && (origin === "string" || origin === "array")) return "must not be empty";
  return `at least ${amount(origin, minimum)}`;
}

function amount(origin: string, bound: number): string {
  if (origin === "string") return `${bound} characters`;
  if (origin === "array") return `${bound} entries`;
  return String(bound);
}

function typeName(expected: string): string {
  return TYPES[expected] ?? expected;
}

function listed(values: readonly string[]): string {
  const last = values.at(-1) ?? "";
  return values.length < 2 ? last : `${values.slice(0, -1).join(", ")} or ${last}`;
}
