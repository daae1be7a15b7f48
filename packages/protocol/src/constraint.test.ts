import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holds, nodeAttributes, parseConstraint } from "./constraint.ts";

const node: Record<string, string | number> = {
  "node.name": "r1-s01",
  "node.cpu.model": "AMD EPYC 9354",
  "node.cpu.threads": 64,
  "node.kernel": "6.10.2",
  "node.labels.rack": "a",
  "node.labels.tier": "spare",
};

function isTrue(source: string): boolean {
  const parsed = parseConstraint(source);
  if (!parsed.ok) throw new Error(`${parsed.message} at ${parsed.column}`);
  return holds(parsed.constraint, (path) => node[path]);
}

function problem(source: string): { message: string; column: number } {
  const parsed = parseConstraint(source);
  if (parsed.ok) throw new Error("accepted");
  return parsed;
}

describe("what an expression says of a node", () => {
  test.each([
    ["node.labels.rack == a", true],
    ["node.labels.rack != a", false],
    ["node.labels.rack in [a, b]", true],
    ["node.labels.rack not in [a, b]", false],
    ['node.cpu.model =~ "epyc"', true],
    ["node.cpu.model == 'AMD EPYC 9354'", true],
    ["node.cpu.threads >= 64", true],
    ["node.cpu.threads < 9", false],
    ["exists node.labels.rack", true],
    ["exists node.labels.nvme", false],
    ["not exists node.labels.nvme", true],
    ["node.labels.rack in [a, b] and not (node.labels.tier == spare)", false],
    ["node.name == x or node.labels.rack == a and node.cpu.threads > 1", true],
  ])("%s is %s", (source, expected) => {
    expect(isTrue(source)).toBe(expected);
  });

  test("'and' binds closer than 'or', and parentheses closer still", () => {
    expect(isTrue("exists node.name or exists node.id and exists node.id")).toBe(true);
    expect(isTrue("(exists node.name or exists node.id) and exists node.id")).toBe(false);
  });

  test("a missing attribute makes a comparison false, and its negation true", () => {
    for (const comparison of ["==", "<", "<=", ">", ">=", "=~"]) {
      expect(isTrue(`node.labels.nvme ${comparison} 1`)).toBe(false);
    }
    expect(isTrue("node.labels.nvme != 1")).toBe(true);
    expect(isTrue("node.labels.nvme in [1]")).toBe(false);
    expect(isTrue("node.labels.nvme not in [1]")).toBe(true);
  });

  test("versions are ordered by their numbers: 6.9 is older than 6.10", () => {
    expect(isTrue("node.kernel > 6.9")).toBe(true);
    expect(isTrue("node.kernel < 6.10.10")).toBe(true);
    expect(isTrue("node.kernel >= 6.10.2")).toBe(true);
  });
});

describe("the types of an expression", () => {
  test("text has no order: comparing it so is false, either way", () => {
    for (const comparison of ["<", "<=", ">", ">="]) {
      expect(isTrue(`node.labels.tier ${comparison} 1`)).toBe(false);
      expect(isTrue(`node.cpu.model ${comparison} 1.2`)).toBe(false);
    }
  });

  test.each([
    ["node.cpu.threads == many", "node.cpu.threads is a number, and 'many' is none", 21],
    ["node.gpu.count in [1, two, three]", "and 'two' is none", 23],
    ["node.name == a and node.kernel >= stable", "'>=' compares numbers and versions", 35],
    ['node.labels.ram > "64GiB"', "and '64GiB' is neither", 19],
  ])("'%s': %s, at column %i", (source, message, column) => {
    const parsed = parseConstraint(source);
    expect(parsed.ok && parsed.mistyped[0]).toMatchObject({
      message: expect.stringContaining(message),
      column,
    });
  });

  test("what makes sense is of the right type", () => {
    for (const source of [
      "node.cpu.threads >= 64 and node.memoryMiB != 0",
      "node.kernel > 6.1.0-18 and node.labels.rack == 7 and node.cpu.model =~ 93",
      "node.gpu.count in [1, 2] or node.labels.driver >= v550.54",
    ]) {
      expect(parseConstraint(source)).toMatchObject({ ok: true, mistyped: [] });
    }
  });
});

describe("what is wrong with an expression, and where", () => {
  test.each([
    ["", "expected an attribute", 1],
    ["node.labels.rack", "expected an operator", 17],
    ["node.labels.rack ==", "expected a value, found the end", 20],
    ["node.labels.rack == a b", "expected 'and', 'or' or the end", 23],
    ["node.labels.rack in a", "expected '['", 21],
    ["node.labels.rack in [a", "expected ',' or ']'", 23],
    ["(node.name == a", "expected ')'", 16],
    ["node.rack == a", "is no node attribute", 1],
    ["node.name == a and rack == b", "is no node attribute", 20],
    ["node.name ! a", "cannot read", 11],
    ['node.name == "a', "cannot read", 14],
  ])("'%s': %s, at column %i", (source, message, column) => {
    expect(problem(source).message).toContain(message);
    expect(problem(source).column).toBe(column);
  });

  test("nesting is bounded, so no submission can exhaust the stack", () => {
    const deep = `${"(".repeat(10_000)}exists node.name${")".repeat(10_000)}`;
    expect(problem(deep).message).toContain("nested more than");
    expect(problem(`${"not ".repeat(10_000)}exists node.name`).message).toContain("nested");
  });

  test("any text is either parsed or refused with a column inside of it", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (source) => {
        const parsed = parseConstraint(source);
        if (parsed.ok) return;
        expect(parsed.column).toBeGreaterThanOrEqual(1);
        expect(parsed.column).toBeLessThanOrEqual(source.length + 1);
      }),
    );
  });
});

test("quoted values mean exactly what stands between the quotes", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(...nodeAttributes), (text, path) => {
      const quoted = `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
      const parsed = parseConstraint(`${path} == ${quoted}`);
      if (!parsed.ok) throw new Error(parsed.message);
      expect(parsed.paths).toEqual([path]);
      expect(holds(parsed.constraint, () => text)).toBe(true);
    }),
  );
});

test("'not' turns every answer around", () => {
  const words = fc.constantFrom("a", "b", "64", "spare");
  const paths = fc.constantFrom("node.labels.rack", "node.labels.nvme", "node.cpu.threads");
  const comparisons = fc.constantFrom("==", "!=", "<", "<=", ">", ">=", "=~");
  fc.assert(
    fc.property(paths, comparisons, words, (path, comparison, word) => {
      const source = `${path} ${comparison} ${word}`;
      expect(isTrue(`not (${source})`)).toBe(!isTrue(source));
    }),
  );
});
