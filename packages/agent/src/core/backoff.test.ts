import { expect, test } from "vitest";
import { backoffMs } from "./backoff.ts";

test("waits double up to the most", () => {
  expect([1, 2, 3, 9, 99].map((failures) => backoffMs(failures, 100, 1_000))).toEqual([
    100, 200, 400, 1_000, 1_000,
  ]);
});
