/** Sets of indexes as sorted, disjoint, inclusive ranges: what groups of waiting indexes are made of. */
export type IndexRange = [from: number, to: number];

/** Ranges of indexes given in ascending order. */
export function rangesOf(indexes: Iterable<number>): IndexRange[] {
  const ranges: IndexRange[] = [];
  let last: IndexRange | undefined;
  for (const index of indexes) {
    if (last && index === last[1] + 1) last[1] = index;
    else {
      last = [index, index];
      ranges.push(last);
    }
  }
  return ranges;
}

export function countIndexes(ranges: readonly IndexRange[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0);
}

export function hasIndex(ranges: readonly IndexRange[], index: number): boolean {
  const range = ranges[firstEndingAtOrAfter(ranges, index)];
  return range !== undefined && range[0] <= index;
}

export function* eachIndex(ranges: readonly IndexRange[]): Generator<number> {
  for (const [from, to] of ranges) for (let index = from; index <= to; index += 1) yield index;
}

export function withoutIndex(ranges: readonly IndexRange[], index: number): IndexRange[] {
  const rest = [...ranges];
  const at = firstEndingAtOrAfter(ranges, index);
  const range = ranges[at];
  if (!range || range[0] > index) return rest;
  const [from, to] = range;
  const left: IndexRange[] = from < index ? [[from, index - 1]] : [];
  const right: IndexRange[] = index < to ? [[index + 1, to]] : [];
  rest.splice(at, 1, ...left, ...right);
  return rest;
}

export function withIndex(ranges: readonly IndexRange[], index: number): IndexRange[] {
  const result = [...ranges];
  const at = firstEndingAtOrAfter(ranges, index);
  const next = ranges[at];
  if (next && next[0] <= index) return result;
  const joinsNext = next !== undefined && next[0] === index + 1;
  const before = ranges[at - 1];
  const joinsBefore = before !== undefined && before[1] === index - 1;
  const joined: IndexRange = [joinsBefore ? before[0] : index, joinsNext ? next[1] : index];
  result.splice(joinsBefore ? at - 1 : at, Number(joinsBefore) + Number(joinsNext), joined);
  return result;
}

/** Where the index is, or where it would go: ranges are sorted, so this takes O(log n). */
function firstEndingAtOrAfter(ranges: readonly IndexRange[], index: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle]?.[1] ?? index) >= index) high = middle;
    else low = middle + 1;
  }
  return low;
}
