import fc from "fast-check";
import { expect, test } from "vitest";
import {
  countIndexes,
  eachIndex,
  hasIndex,
  rangesOf,
  withIndex,
  withoutIndex,
} from "./index-ranges.ts";

test("ranges behave like the set of the indexes in them", () => {
  const indexes = fc.array(fc.nat(30));
  fc.assert(
    fc.property(indexes, indexes, (added, removed) => {
      let ranges = rangesOf([]);
      const set = new Set<number>();
      for (const index of added) {
        ranges = withIndex(ranges, index);
        set.add(index);
      }
      for (const index of removed) {
        ranges = withoutIndex(ranges, index);
        set.delete(index);
      }
      const sorted = [...set].sort((a, b) => a - b);
      expect([...eachIndex(ranges)]).toEqual(sorted);
      expect(ranges).toEqual(rangesOf(sorted));
      expect(countIndexes(ranges)).toBe(set.size);
      expect(hasIndex(ranges, 7)).toBe(set.has(7));
    }),
  );
});
