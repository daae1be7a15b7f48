import { formatFreshAge } from "../../model/format.ts";
import type { Freshness } from "../../model/freshness.ts";
import { useStore } from "../store-context.ts";

/** How old what the page shows is. The word is announced when it changes, its age is not. */
export function FreshnessChip() {
  const { freshness } = useStore();
  const { kind, word, age } = describe(freshness.value);
  return (
    <div class={`fresh fresh-${kind}`}>
      <span class="fresh-dot" aria-hidden="true" />
      <span role="status">{word}</span>
      {age === null ? null : <span class="fresh-age">{age}</span>}
    </div>
  );
}

function describe(freshness: Freshness): { kind: string; word: string; age: string | null } {
  const { kind } = freshness;
  switch (kind) {
    case "loading":
      return { kind, word: "connecting", age: null };
    case "live":
      return { kind, word: "live", age: formatFreshAge(freshness.ageMs) };
    case "stale":
      return { kind, word: "stale", age: formatFreshAge(freshness.ageMs) };
    case "reconnecting":
      return {
        kind,
        word: "reconnecting",
        age: freshness.inMs === null ? null : `in ${Math.ceil(freshness.inMs / 1_000)} s`,
      };
  }
}
