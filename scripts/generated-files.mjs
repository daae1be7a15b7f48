import { renderSpecReference } from "./spec-reference.mjs";

/**
 * Path and content of every generated file.
 * @param {import("@berth/protocol").JsonSchema} schema
 * @param {readonly string[]} attributes
 * @returns {Record<string, string>}
 */
export function generatedFiles(schema, attributes) {
  return {
    "docs/schema/workload.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
    "docs/spec-reference.md": renderSpecReference(schema, attributes),
  };
}
