import fc from "fast-check";
import { expect, test } from "vitest";
import { chooseProcessors, formatProcessors, parseProcessors } from "./processors.ts";

/** Two threads each, numbered as kernels do: 0 and 4 are one core. */
const CORES = [0, 1, 2, 3].map((core) => [core, core + 4]);
const choose = (count: number, taken: readonly number[] = []) =>
  chooseProcessors(CORES, new Set(taken), count);

test("lists are read as they are written", () => {
  expect(parseProcessors("0-3,8,10-11")).toEqual([0, 1, 2, 3, 8, 10, 11]);
  expect(formatProcessors([11, 8, 0, 2, 1, 3, 10])).toBe("0-3,8,10-11");
  const sets = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 60 });
  fc.assert(
    fc.property(sets, (all) => {
      expect(parseProcessors(formatProcessors(all))).toEqual(all.sort((a, b) => a - b));
    }),
  );
});

test("whole cores are taken first, the highest ones, and one that is broken for the rest", () => {
  expect(choose(2)).toEqual([3, 7]);
  expect(choose(3)).toEqual([2, 3, 7].sort((a, b) => a - b));
  expect(choose(1, [7])).toEqual([3]);
  expect(choose(2, [7])).toEqual([2, 6]);
});

test("there are as many as asked for and none that is taken, or null", () => {
  const some = fc.uniqueArray(fc.integer({ min: 0, max: 7 }));
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 9 }), (taken, count) => {
      const chosen = choose(count, taken);
      if (count > 8 - taken.length) {
        expect(chosen).toBeNull();
        return;
      }
      expect(new Set(chosen).size).toBe(count);
      expect(chosen?.filter((each) => taken.includes(each))).toEqual([]);
    }),
  );
});
