/**
 * What must hold and did not. `INV1`…`INV10` are the invariants of the documentation; `RULE` is a
 * decision that its own reasons do not support; `BUG` is an assertion or an exception of the
 * production code.
 */
export type Rule = `INV${number}` | "RULE" | "BUG";

export class Violation extends Error {
  override readonly name = "Violation";
  readonly rule: Rule;

  constructor(rule: Rule, message: string, options?: ErrorOptions) {
    super(`${rule}: ${message}`, options);
    this.rule = rule;
  }
}

export function demand(condition: boolean, rule: Rule, message: () => string): asserts condition {
  if (!condition) throw new Violation(rule, message());
}
