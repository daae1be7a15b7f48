import { errorCodes } from "@berth/protocol";
import { expect, test } from "vitest";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";

test("a script can tell denied, not found, blocked and timeout from any other error", () => {
  expect(exitCodeOf("denied")).toBe(4);
  expect(exitCodeOf("not_found")).toBe(5);
  expect(exitCodeOf("conflict")).toBe(2);
  expect(exitCodeOf("timeout")).toBe(7);
  expect(exitCodeOf("spec.invalid")).toBe(1);
});

test("no error ends with the code of success", () => {
  for (const code of errorCodes) expect(exitCodeOf(code)).not.toBe(exitCodes.done);
});
