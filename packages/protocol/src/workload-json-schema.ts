import { z } from "zod";
import { WorkloadInput } from "./workload-input.ts";

/** The part of JSON Schema (draft 7) that a workload's schema uses. */
export interface JsonSchema {
  $schema?: string;
  title?: string;
  description?: string;
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
  minLength?: number;
  maxLength?: number;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  propertyNames?: JsonSchema;
  additionalProperties?: JsonSchema | false;
  required?: string[];
}

/**
 * The JSON Schema of a workload as people write it, for editors. It is looser than the validator:
 * rules that cross fields, and the grammar of constraints, are not in it.
 */
export function workloadJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(WorkloadInput, { io: "input", target: "draft-7" }) as JsonSchema;
  tidy(schema);
  return { $schema: "http://json-schema.org/draft-07/schema#", title: "Berth workload", ...schema };
}

function tidy(schema: JsonSchema): void {
  if (schema.pattern !== undefined && Array.isArray(schema.type)) {
    // A quantity is a bare number only where its pattern lets one through: memory needs its unit.
    schema.type = new RegExp(schema.pattern).test("2") ? ["string", "number"] : "string";
  }
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  const parts = [
    ...(schema.oneOf ?? []),
    ...(schema.anyOf ?? []),
    ...Object.values(schema.properties ?? {}),
    schema.items,
    schema.additionalProperties,
  ];
  for (const part of parts) if (part) tidy(part);
}
