import { expect, test } from "vitest";
import { RestartBackoff } from "./restart-backoff.ts";

test("the first restart comes soon, the next ones less often, up to a limit", () => {
  const backoff = new RestartBackoff();
  const waits = Array.from({ length: 8 }, () => backoff.nextWaitMs(50));
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
});

test("having run for a while, an end counts as the first again", () => {
  const backoff = new RestartBackoff();
  backoff.nextWaitMs(50);
  backoff.nextWaitMs(50);
  expect(backoff.nextWaitMs(60_000)).toBe(100);
});
