import { describe, expect, test } from "vitest";
import { cpuMillisBetween, hostRates } from "./usage-rates.ts";

describe("rates", () => {
  test("are unknown at first and when a counter goes back", () => {
    const at = (atMs: number, busyMs: number, bytes: number) => ({
      atMs,
      busyMs,
      receivedBytes: bytes,
      sentBytes: null,
    });
    expect(hostRates(null, at(0, 0, 0))).toEqual({
      cpuMillis: null,
      receivedMbps: null,
      sentMbps: null,
    });
    expect(hostRates(at(0, 0, 0), at(1_000, 1_500, 125_000))).toEqual({
      cpuMillis: 1_500,
      receivedMbps: 1,
      sentMbps: null,
    });
    expect(hostRates(at(0, 9, 9), at(1_000, 0, 0))).toEqual({
      cpuMillis: null,
      receivedMbps: null,
      sentMbps: null,
    });
  });
  test("of a task never go below zero when a part of it ends", () => {
    expect(cpuMillisBetween(undefined, { atMs: 1, cpuMs: 1 })).toBeNull();
    expect(cpuMillisBetween({ atMs: 0, cpuMs: 50 }, { atMs: 100, cpuMs: 10 })).toBe(0);
    expect(cpuMillisBetween({ atMs: 0, cpuMs: 0 }, { atMs: 100, cpuMs: 25 })).toBe(250);
  });
});
