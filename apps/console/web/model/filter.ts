/** Every word of the filter must occur in one of the texts, in any case. */
export function matchesFilter(
  filter: string,
  ...texts: readonly (string | null | undefined)[]
): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const haystack = texts.join("\n").toLowerCase();
  return words.every((word) => haystack.includes(word));
}
