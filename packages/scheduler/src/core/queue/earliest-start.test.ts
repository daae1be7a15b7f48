import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { earliestStart, type FitStep, type Outlook } from "./earliest-start.ts";

function outlook(node: string, steps: [number, number][], group: string | null = null) {
  return { node, group, steps: steps.map(([atUnixMs, count]) => ({ atUnixMs, count })) };
}

describe("the earliest start of what waits", () => {
  test("is when the first node has room for it", () => {
    const nodes = [outlook("a", [[500, 1]]), outlook("b", [[300, 1]]), outlook("c", [])];
    expect(earliestStart(nodes, 1)).toEqual({
      startUnixMs: 300,
      parts: [{ node: "b", count: 1 }],
    });
  });

  test("of a gang is when all of it has room at once, over several nodes", () => {
    const nodes = [
      outlook("a", [
        [100, 1],
        [900, 4],
      ]),
      outlook("b", [[400, 2]]),
      outlook("c", [[600, 9]]),
    ];
    expect(earliestStart(nodes, 3)).toEqual({
      startUnixMs: 400,
      parts: [
        { node: "a", count: 1 },
        { node: "b", count: 2 },
      ],
    });
    expect(earliestStart(nodes, 5)).toMatchObject({
      startUnixMs: 600,
      parts: [{ count: 1 }, { count: 2 }, { node: "c", count: 2 }],
    });
  });

  test("of a gang that stays together is within one group", () => {
    const nodes = [
      outlook("a", [[100, 1]], "r1"),
      outlook("b", [[200, 1]], "r2"),
      outlook("c", [[300, 1]], "r2"),
    ];
    expect(earliestStart(nodes, 2)).toEqual({
      startUnixMs: 300,
      parts: [
        { node: "b", count: 1 },
        { node: "c", count: 1 },
      ],
    });
  });

  test("is unknown where nothing is known to end", () => {
    expect(earliestStart([outlook("a", [[100, 1]])], 2)).toBeNull();
    expect(earliestStart([], 1)).toBeNull();
  });

  test("is what trying every moment finds", () => {
    const steps = fc
      .array(fc.record({ atUnixMs: fc.nat(20), more: fc.integer({ min: 1, max: 3 }) }), {
        maxLength: 4,
      })
      .map((drawn) => {
        let count = 0;
        return drawn
          .toSorted((a, b) => a.atUnixMs - b.atUnixMs)
          .map(({ atUnixMs, more }): FitStep => {
            count += more;
            return { atUnixMs, count };
          });
      });
    const outlooks = fc
      .array(fc.record({ group: fc.constantFrom("x", "y"), steps }), { maxLength: 5 })
      .map((drawn) => drawn.map((one, node): Outlook<number> => ({ ...one, node })));
    const countAt = ({ steps: known }: Outlook<number>, atUnixMs: number) =>
      known.findLast((step) => step.atUnixMs <= atUnixMs)?.count ?? 0;
    fc.assert(
      fc.property(outlooks, fc.integer({ min: 1, max: 9 }), (nodes, wanted) => {
        let expected: number | null = null;
        for (let atUnixMs = 0; atUnixMs <= 20 && expected === null; atUnixMs += 1) {
          for (const group of ["x", "y"]) {
            const members = nodes.filter((node) => node.group === group);
            const sum = members.reduce((all, node) => all + countAt(node, atUnixMs), 0);
            if (sum >= wanted) expected = atUnixMs;
          }
        }
        const found = earliestStart(nodes, wanted);
        expect(found?.startUnixMs ?? null).toBe(expected);
        if (!found) return;
        expect(found.parts.reduce((all, { count }) => all + count, 0)).toBe(wanted);
        const groups = new Set(found.parts.map(({ node }) => nodes[node]?.group));
        expect(groups.size).toBe(1);
        for (const { node, count } of found.parts) {
          const known = nodes[node];
          expect(known && count <= countAt(known, found.startUnixMs)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
