import fc from "fast-check";
import { expect, test } from "vitest";
import { holds, parseConstraint } from "./constraint.ts";
import { type Contradiction, findContradiction } from "./contradiction.ts";

function find(...sources: string[]): Contradiction | null {
  return findContradiction(sources.map(parsed));
}

function parsed(source: string) {
  const result = parseConstraint(source);
  if (!result.ok) throw new Error(`${source}: ${result.message}`);
  return result.constraint;
}

const rack = "node.labels.rack";

test.each([
  [`${rack} == a`, `${rack} == b`],
  [`${rack} in [a, b]`, `${rack} not in [b, a, c]`],
  [`${rack} == a`, `not (${rack} == a)`],
  [`exists ${rack}`, `not exists ${rack}`],
  [`not exists ${rack}`, `${rack} =~ a`],
  ["node.cpu.threads > 64", "node.cpu.threads <= 64"],
  ["node.kernel >= 6.10", "node.kernel < 6.9"],
  ["node.labels.tier == spare", `${rack} == a and (${rack} == b or ${rack} == c)`],
  [`${rack} == b1`, `${rack} =~ a`],
])("%s with %s is a contradiction", (first, second) => {
  expect(find(first, second)).toMatchObject({ index: 1 });
});

test.each([
  [`${rack} == a`, "node.labels.row == b"],
  [`${rack} in [a, b]`, `${rack} != a`],
  [`${rack} != a`, `${rack} != b`],
  [`${rack} == a or ${rack} == b`, `${rack} == b`],
  ["node.cpu.threads >= 64", "node.cpu.threads <= 64"],
  ["node.kernel >= 6.9", "node.kernel < 6.10"],
  [`not exists ${rack}`, `${rack} != a`],
])("%s with %s is none", (first, second) => {
  expect(find(first, second)).toBeNull();
});

test("it names the attribute and the first constraint that is too much", () => {
  expect(find("exists node.labels.nvme", `${rack} == a`, `${rack} == b`)).toEqual({
    index: 2,
    path: rack,
  });
});

test("one expression may contradict itself", () => {
  expect(find(`${rack} == a and not (${rack} =~ A)`)).toEqual({ index: 0, path: rack });
});

test("no node meets what is called a contradiction", () => {
  const value = fc.constantFrom("1", "2", "3", "a", "ab", "1.10", "1.9");
  const path = fc.constantFrom("node.labels.a", "node.labels.b");
  const comparison = fc.constantFrom("==", "!=", "<", "<=", ">", ">=", "=~");
  const atom = fc.oneof(
    fc.tuple(path, comparison, value).map((parts) => parts.join(" ")),
    fc
      .tuple(path, fc.constantFrom("in", "not in"), value, value)
      .map(([p, w, a, b]) => `${p} ${w} [${a}, ${b}]`),
    path.map((one) => `exists ${one}`),
  );
  const { expression } = fc.letrec<{ expression: string }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      atom,
      fc
        .tuple(tie("expression"), fc.constantFrom("and", "or"), tie("expression"))
        .map(([a, word, b]) => `(${a} ${word} ${b})`),
      tie("expression").map((inner) => `not ${inner}`),
    ),
  }));
  const attributes = fc.record({ a: fc.option(value), b: fc.option(value) });
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 4 }), fc.array(attributes), (sources, nodes) => {
      const constraints = sources.map(parsed);
      if (findContradiction(constraints) === null) return;
      for (const { a, b } of nodes) {
        const lookup = (at: string) => (at === "node.labels.a" ? a : b) ?? undefined;
        expect(constraints.every((constraint) => holds(constraint, lookup))).toBe(false);
      }
    }),
    { numRuns: 3_000 },
  );
});
