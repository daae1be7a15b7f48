import type { CheckSpec, Health } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { afterProbe, type CheckState, initialCheck, nextProbeDelayMs } from "./check-health.ts";

const check: CheckSpec = {
  probe: { type: "tcp", port: "x" },
  intervalMs: 1_000,
  timeoutMs: 500,
  failures: 3,
  startPeriodMs: 10_000,
};

/** `+` passes, `-` fails; one probe each second. */
function healthsOf(probes: string, from: CheckState = initialCheck(check)): Health[] {
  let state = from;
  return Array.from(probes, (probe, second) => {
    const result =
      probe === "+" ? { passed: true as const } : { passed: false as const, message: "no" };
    state = afterProbe(state, check, result, second * 1_000);
    return state.health;
  });
}

describe("a check's health", () => {
  test("is none without a check", () => {
    expect(initialCheck(null).health).toBe("none");
  });
  test("stays starting through failures of the start period", () => {
    expect(new Set(healthsOf("----------"))).toEqual(new Set(["starting"]));
  });
  test("is unhealthy with the first failure after the start period", () => {
    expect(healthsOf("-----------").at(-1)).toBe("unhealthy");
  });
  test("is healthy with one pass, and takes failures in a row to leave it", () => {
    expect(healthsOf("+--+--+---")).toEqual([
      ...Array.from({ length: 9 }, () => "healthy"),
      "unhealthy",
    ]);
  });
  test("comes back with one pass", () => {
    expect(healthsOf("+---+").at(-1)).toBe("healthy");
  });
});

test("probes come quickly at first, then at the interval", () => {
  const starting = initialCheck(check);
  const delays = [0, 1, 2, 3, 4, 5].map((probes) => nextProbeDelayMs(starting, check, probes, 50));
  expect(delays).toEqual([50, 100, 200, 400, 800, 1_000]);
  expect(nextProbeDelayMs({ ...starting, health: "healthy" }, check, 0, 50)).toBe(1_000);
});
