/**
 * JSON with keys in code-unit order at every depth, maps and sets included: two equal values have
 * the same text whatever the order they were built in.
 */
export function canonicalText(value: unknown): string {
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]): [string, unknown] => [String(key), item]);
    return objectText(entries);
  }
  if (value instanceof Set) return `[${[...value].map(canonicalText).sort(byCodeUnit).join(",")}]`;
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value === "object" && value !== null) return objectText(Object.entries(value));
  return JSON.stringify(value) ?? "null";
}

function objectText(entries: [string, unknown][]): string {
  const parts = entries
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => byCodeUnit(a, b))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonicalText(item)}`);
  return `{${parts.join(",")}}`;
}

/** The one order of strings in the core: no locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
