import { describe, expect, test } from "vitest";
import { exitOfStatus, outcomeOf, parseIdentity, parseStatus } from "./exit-status.ts";

describe("a wait status", () => {
  const names = new Map([[15, "SIGTERM"]]);
  test.each([
    [0, { kind: "code", code: 0 }],
    [128, { kind: "code", code: 128 }],
    [143, { kind: "signal", signal: "SIGTERM" }],
    [163, { kind: "signal", signal: "SIG35" }],
    [193, { kind: "code", code: 193 }],
    [255, { kind: "code", code: 255 }],
  ])("of %i is read as every shell does", (status, exit) => {
    expect(exitOfStatus(status, names)).toEqual(exit);
  });

  test("means complete, failed or, when told to stop, stopped", () => {
    expect(outcomeOf({ kind: "code", code: 0 }, false)).toBe("complete");
    expect(outcomeOf({ kind: "code", code: 1 }, false)).toBe("failed");
    expect(outcomeOf({ kind: "signal", signal: "SIGKILL" }, true)).toBe("stopped");
  });
});

describe("a record of the shim", () => {
  test("counts only when its line is complete", () => {
    expect(parseIdentity("12 34\n")).toEqual({ pid: 12, startTicks: 34 });
    for (const part of ["", "12", "12 3", "12 34", "x 1\n"]) expect(parseIdentity(part)).toBeNull();
    expect(parseStatus("143    \n")).toBe(143);
    for (const part of ["pending\n", "", "14", "256    \n"]) expect(parseStatus(part)).toBeNull();
  });
});
