/** From a value to a position in pixels; a domain of one value is in the middle. */
export type Scale = (value: number) => number;

export interface Range {
  readonly from: number;
  readonly to: number;
}

export function linearScale(domain: Range, pixels: Range): Scale {
  if (domain.from === domain.to) return () => (pixels.from + pixels.to) / 2;
  const perUnit = (pixels.to - pixels.from) / (domain.to - domain.from);
  return (value) => pixels.from + (value - domain.from) * perUnit;
}

/** Equal factors are equal distances. Values are above 0. */
export function logScale(domain: Range, pixels: Range): Scale {
  const inner = linearScale({ from: Math.log(domain.from), to: Math.log(domain.to) }, pixels);
  return (value) => inner(Math.log(value));
}

/** The powers of ten that a range of positive values lies between, both ends included. */
export function powersOfTen({ from, to }: Range): number[] {
  const first = Math.floor(Math.log10(from));
  const last = Math.ceil(Math.log10(to));
  return Array.from({ length: last - first + 1 }, (_, at) => 10 ** (first + at));
}

/** Moves positions apart until neighbours are at least `gap` away, in their order, within a range. */
export function spreadOut(positions: readonly number[], gap: number, { to }: Range): number[] {
  const order = [...positions.keys()].sort((a, b) => (positions[a] ?? 0) - (positions[b] ?? 0));
  const placed = [...positions];
  let least = -Infinity;
  for (const at of order) {
    placed[at] = Math.max(placed[at] ?? 0, least);
    least = (placed[at] ?? 0) + gap;
  }
  let most = to;
  for (const at of order.toReversed()) {
    placed[at] = Math.min(placed[at] ?? 0, most);
    most = (placed[at] ?? 0) - gap;
  }
  return placed;
}
