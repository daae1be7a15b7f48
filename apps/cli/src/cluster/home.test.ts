import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findHome } from "./home.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-home-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a named home comes before BERTH_HOME, and that before any folder", () => {
  mkdirSync(join(folder, ".berth"));
  expect(findHome("other", { BERTH_HOME: "third" }, folder)).toBe(join(folder, "other"));
  expect(findHome(undefined, { BERTH_HOME: "third" }, folder)).toBe(join(folder, "third"));
});

test("the nearest .berth above is the home; without one, .berth right here", () => {
  const inner = join(folder, "a", "b");
  mkdirSync(inner, { recursive: true });
  expect(findHome(undefined, {}, inner)).toBe(join(inner, ".berth"));
  mkdirSync(join(folder, ".berth"));
  expect(findHome(undefined, {}, inner)).toBe(join(folder, ".berth"));
  mkdirSync(join(folder, "a", ".berth"));
  expect(findHome(undefined, {}, inner)).toBe(join(folder, "a", ".berth"));
});
