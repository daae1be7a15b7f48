import { describe, expect, it } from "vitest";
import { MIXES } from "../mixes/index.ts";
import { OptionsError, readOptions, USAGE } from "../options.ts";

describe("options of bench:place", () => {
  it("default to every mix on five sizes of cluster", () => {
    const { nodeCounts, mixes, json } = readOptions([]);
    expect(nodeCounts).toEqual([100, 1_000, 5_000, 10_000, 20_000]);
    expect(mixes).toEqual(MIXES);
    expect(json).toBe(false);
  });

  it("select sizes and mixes, in the order given", () => {
    const args = ["--nodes", "10000,100", "--mix", "different,identical", "--json"];
    const { nodeCounts, mixes, json } = readOptions(args);
    expect(nodeCounts).toEqual([10_000, 100]);
    expect(mixes.map(({ name }) => name)).toEqual(["different", "identical"]);
    expect(json).toBe(true);
  });

  it("are explained, every mix among them", () => {
    for (const { name, about } of MIXES) expect(USAGE).toContain(`${name.padEnd(12)} ${about}`);
  });

  it.each([
    [["--mix", "none"], /no mix none/],
    [["--nodes", "0"], /--nodes 0: want whole numbers from 1 to 100000/],
    [["--nodes", "100,ten"], /--nodes ten/],
    [["--nodes", "1000000"], /--nodes 1000000/],
    [["--seed", "-1"], /seed/],
    [["--colour"], /Unknown option '--colour'/],
  ])("refuse %j", (args, message) => {
    expect(() => readOptions(args)).toThrow(OptionsError);
    expect(() => readOptions(args)).toThrow(message);
  });
});
