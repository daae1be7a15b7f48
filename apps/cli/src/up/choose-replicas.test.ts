import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chooseReplicas } from "./choose-replicas.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "berth-replicas-"));
});
afterEach(() => rmSync(home, { recursive: true }));

test("a new home's log is kept by one server unless three are asked for", () => {
  expect(chooseReplicas(home, undefined)).toBe(1);
  expect(chooseReplicas(home, 1)).toBe(1);
  expect(chooseReplicas(home, 3)).toBe(3);
});

test.each([
  ["nats", 1, 3],
  ["nats-1", 3, 1],
] as const)(
  "a home with %s keeps its number of servers, and refuses another",
  (folder, found, asked) => {
    mkdirSync(join(home, folder, "store"), { recursive: true });
    expect(chooseReplicas(home, undefined)).toBe(found);
    expect(chooseReplicas(home, found)).toBe(found);
    expect(() => chooseReplicas(home, asked)).toThrow(
      expect.objectContaining({ code: "conflict", details: { found, asked } }),
    );
  },
);
