import type { PlanResult } from "@berth/protocol";
import { byCodeUnit, canonicalText } from "../state/canonical-text.ts";

type Difference = PlanResult["diff"][number];
type Json = Difference["before"];

/** What differs between two JSON values, by path (`task.command[1]`), in order of the path. */
export function diffJson(before: unknown, after: unknown): Difference[] {
  return differences("", before, after);
}

function differences(path: string, before: unknown, after: unknown): Difference[] {
  if (canonicalText(before ?? null) === canonicalText(after ?? null)) return [];
  if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }).flatMap((_, i) =>
      differences(`${path}[${i}]`, before[i], after[i]),
    );
  }
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(byCodeUnit);
    return keys.flatMap((key) =>
      differences(path === "" ? key : `${path}.${key}`, before[key], after[key]),
    );
  }
  return [{ path, before: (before ?? null) as Json, after: (after ?? null) as Json }];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
