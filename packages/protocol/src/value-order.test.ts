import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasOrder, orderOf } from "./value-order.ts";

describe("the order of values", () => {
  test.each([
    ["8", "64"],
    ["-1", "0"],
    ["0.5", "2"],
    ["6.9", "6.10"],
    ["6.10.2", "6.10.10"],
    ["6.1.0-18-amd64", "6.2"],
    ["v1.2", "1.3"],
    ["1.0", "1.0-rc1"],
    ["12", "12.0.1"],
  ])("%s comes before %s", (first, second) => {
    expect(orderOf(first, second)).toBeLessThan(0);
    expect(orderOf(second, first)).toBeGreaterThan(0);
  });

  test("what is missing of a version is 0", () => {
    expect(orderOf("1.0.0", "1.0")).toBe(0);
    expect(orderOf("7", "7.0")).toBe(0);
  });

  test("text has none", () => {
    for (const text of ["", "spare", "64GiB", "6x", "a.1", "NaN", "1e3", "Infinity"]) {
      expect(hasOrder(text)).toBe(false);
      expect(orderOf(text, "1")).toBeNull();
      expect(orderOf("1", text)).toBeNull();
    }
    expect(orderOf("-1", "1.2.3")).toBeNull();
  });

  test("turns round with its sides, whatever they are", () => {
    const values = fc.stringMatching(/^[v0-9ab.+~_-]{0,8}$/);
    fc.assert(
      fc.property(values, values, (a, b) => {
        const order = orderOf(a, b);
        expect(order === null ? null : -Math.sign(order) + 0).toBe(
          orderOf(b, a) === null ? null : Math.sign(orderOf(b, a) ?? 0) + 0,
        );
        if (hasOrder(a)) expect(orderOf(a, a)).toBe(0);
      }),
    );
  });
});
