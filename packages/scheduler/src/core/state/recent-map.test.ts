import fc from "fast-check";
import { expect, test } from "vitest";
import { RecentMap } from "./recent-map.ts";

test("a recent map holds the newest entries of those added and not deleted", () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant("add" as const) },
    { weight: 1, arbitrary: fc.nat(60) },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step), (sizeMax, steps) => {
      const map = new RecentMap<number, string>(sizeMax);
      let expected: [number, string][] = [];
      let next = 0;
      for (const one of steps) {
        if (one === "add") {
          map.add(next, `${next}`);
          expected = [...expected, [next, `${next}`] as [number, string]].slice(-sizeMax);
          next += 1;
        } else {
          map.delete(one);
          expected = expected.filter(([key]) => key !== one);
        }
        expect([...map]).toEqual(expected);
        expect(map.size).toBe(expected.length);
      }
    }),
  );
});
