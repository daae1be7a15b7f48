import { describe, expect, test } from "vitest";
import { afterFailure } from "./restart-policy.ts";

const restart = {
  attempts: 3,
  withinMs: 60_000,
  backoffMinMs: 1_000,
  backoffMaxMs: 3_000,
  exhausted: "delay",
} as const;

function failAt(times: readonly number[], policy = restart as Parameters<typeof afterFailure>[0]) {
  let failures: number[] = [];
  let next: ReturnType<typeof afterFailure>["next"] = { kind: "give_up" };
  for (const at of times) {
    const after = afterFailure(policy, failures, at);
    failures = after.failuresAtUnixMs;
    next = after.next;
  }
  return { failures, next };
}

describe("after a failure", () => {
  test("the wait doubles up to its bound", () => {
    expect(failAt([0]).next).toEqual({ kind: "retry", atUnixMs: 1_000 });
    expect(failAt([0, 2_000]).next).toEqual({ kind: "retry", atUnixMs: 4_000 });
    expect(failAt([0, 2_000, 5_000]).next).toEqual({ kind: "retry", atUnixMs: 8_000 });
  });

  test("failures that left the window no longer count", () => {
    expect(failAt([0, 60_000])).toEqual({
      failures: [60_000],
      next: { kind: "retry", atUnixMs: 61_000 },
    });
  });

  test("more failures than attempts wait until the oldest leaves the window", () => {
    expect(failAt([0, 2_000, 5_000, 9_000]).next).toEqual({ kind: "retry", atUnixMs: 60_000 });
  });

  test("or give the index up", () => {
    const policy = { ...restart, exhausted: "fail" as const };
    expect(failAt([0, 1, 2], policy).next.kind).toBe("retry");
    expect(failAt([0, 1, 2, 3], policy).next.kind).toBe("give_up");
  });

  test("without attempts the first failure is the last", () => {
    const policy = { ...restart, attempts: 0, exhausted: "fail" as const };
    expect(failAt([0], policy).next.kind).toBe("give_up");
  });

  test("no more failures are remembered than decide anything", () => {
    expect(failAt([0, 1, 2, 3, 4, 5, 6]).failures).toEqual([3, 4, 5, 6]);
  });
});
