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
  return ranges.some(([from, to]) => from <= index && index <= to);
}

export function* eachIndex(ranges: readonly IndexRange[]): Generator<number> {
  for (const [from, to] of ranges) for (let index = from; index <= to; index += 1) yield index;
}

export function withoutIndex(ranges: readonly IndexRange[], index: number): IndexRange[] {
  return ranges.flatMap(([from, to]): IndexRange[] => {
    if (index < from || index > to) return [[from, to]];
    const rest: IndexRange[] = [];
    if (from < index) rest.push([from, index - 1]);
    if (index < to) rest.push([index + 1, to]);
    return rest;
  });
}

export function withIndex(ranges: readonly IndexRange[], index: number): IndexRange[] {
  if (hasIndex(ranges, index)) return [...ranges];
  const before = ranges.filter(([, to]) => to < index);
  const after = ranges.filter(([from]) => from > index);
  const joined: IndexRange = [index, index];
  const left = before.at(-1);
  if (left && left[1] === index - 1) {
    joined[0] = left[0];
    before.pop();
  }
  const right = after[0];
  if (right && right[0] === index + 1) {
    joined[1] = right[1];
    after.shift();
  }
  return [...before, joined, ...after];
}
