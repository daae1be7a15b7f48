import { describe, expect, test } from "vitest";
import type { SimulationReport } from "../src/cli/report.ts";
import { mutants } from "../src/mutants/catalogue.ts";
import { MutableTree } from "../src/mutants/mutable-tree.ts";
import { run } from "./program.ts";

const SEEDS = 200;
const SEEDS_TIMEOUT_MS = 900_000;
const TIMEOUT_MS = 120_000;

async function simulate(...args: string[]): Promise<SimulationReport> {
  const { output, complaints } = await run("main.js", [...args, "--json"]);
  if (output === "") throw new Error(complaints);
  return JSON.parse(output) as SimulationReport;
}

describe("the simulation", () => {
  test(
    "[INV1] [INV2] [INV3] [INV4] [INV5] [INV6] [INV8] [INV10] no invariant is broken in 200 worlds",
    async () => {
      const report = await simulate("--seeds", String(SEEDS), "--workers", "2");
      expect(report.violations).toEqual([]);
      expect(report.seeds).toBe(SEEDS);
      expect(report.coverage.eventTypesMissed).toEqual([]);
      expect(report.coverage.faultsMissed).toEqual([]);
      expect(report.simulatedHours).toBeGreaterThan(5);
    },
    SEEDS_TIMEOUT_MS,
  );

  test(
    "[INV4] the same seed goes the same way, to the last line, in another process",
    async () => {
      const [first, second] = await Promise.all([simulate("--seed", "7"), simulate("--seed", "7")]);
      const onThreads = await simulate("--from", "7", "--seeds", "1", "--workers", "2");
      const other = await simulate("--seed", "8");
      expect(second.historyHash).toBe(first.historyHash);
      expect(onThreads.historyHash).toBe(first.historyHash);
      expect(other.historyHash).not.toBe(first.historyHash);
      expect(first.logEntries).toBeGreaterThan(20);
    },
    TIMEOUT_MS,
  );

  test("tells what happened in one world", async () => {
    const { code, output } = await run("main.js", ["--seed", "3", "--transcript"]);
    expect(code).toBe(0);
    expect(output).toMatch(/^ +\d+\.\d{3} {2}log 1 LeaderStarted 1$/m);
    expect(output).toMatch(/^ +\d+\.\d{3} {2}\*\* \w+: .+ \(\w+\)$/m);
    expect(output).toMatch(/^1 seeds, 0 violations, /m);
  });

  test("refuses what it does not understand", async () => {
    const { code, complaints } = await run("main.js", ["--seeds", "many"]);
    expect(code).toBe(2);
    expect(complaints).toContain("--seeds takes a whole number above 0, not 'many'");
  });
});

describe("mutants", () => {
  test("each change a piece that is in the code exactly once", () => {
    const tree = new MutableTree();
    try {
      for (const mutant of mutants) tree.apply(mutant)();
    } finally {
      tree.remove();
    }
  });

  test(
    "that break the code are caught, and the report says by what",
    async () => {
      const { code, output } = await run("mutants/main.js", [
        "--only",
        "before the log has",
        "--json",
      ]);
      expect(JSON.parse(output)).toMatchObject({ mutants: 2, caught: 2, missed: [] });
      expect(code).toBe(0);
    },
    TIMEOUT_MS,
  );

  test("that change code which is not there any more are out of date, not caught", async () => {
    const { code, complaints } = await run("mutants/main.js", ["--only", "no such mutant"]);
    expect(code).toBe(1);
    expect(complaints).toBe("");
  });
});
