/** Careful looks into JSON that some tool wrote: null wherever it is not what was expected. */

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What is at a path of keys; undefined where there is nothing. */
export function valueAt(value: unknown, ...path: readonly string[]): unknown {
  let here: unknown = value;
  for (const key of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, key)) return undefined;
    here = (here as Readonly<Record<string, unknown>>)[key];
  }
  return here;
}

/** A finite number, also one that was written as a text. */
export function numberAt(value: unknown, ...path: readonly string[]): number | null {
  const found = valueAt(value, ...path);
  const number = typeof found === "string" && /^-?\d+(\.\d+)?$/.test(found) ? Number(found) : found;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}

/** A text that says something: tools write `N/A`, `unknown` and nothing for what they cannot tell. */
export function textAt(value: unknown, ...path: readonly string[]): string | null {
  const found = valueAt(value, ...path);
  if (typeof found !== "string") return null;
  const text = found.trim();
  return text === "" || /^(n\/a|unknown)$/i.test(text) ? null : text;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = path.length === 0 ? value : valueAt(value, ...path);
  return Array.isArray(found) ? found : [];
}
