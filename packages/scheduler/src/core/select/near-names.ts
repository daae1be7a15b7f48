import { limits } from "@berth/protocol";
import { distance } from "fastest-levenshtein";
import { byCodeUnit } from "../state/canonical-text.ts";

/** Known names that somebody may have meant: those that contain the word, then those a typo away. */
export function nearNames(word: string, known: Iterable<string>): string[] {
  const lower = word.toLowerCase();
  const near: { name: string; edits: number }[] = [];
  for (const name of new Set(known)) {
    const other = name.toLowerCase();
    const edits = other.includes(lower) ? 0 : distance(lower, other);
    if (edits <= Math.max(2, Math.floor(other.length / 3))) near.push({ name, edits });
  }
  return near
    .sort((a, b) => a.edits - b.edits || byCodeUnit(a.name, b.name))
    .slice(0, limits.nearNamesMax)
    .map(({ name }) => name);
}
