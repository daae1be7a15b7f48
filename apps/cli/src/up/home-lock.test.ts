import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identityOf } from "../cluster/process-identity.ts";
import { lockHome, readLockHolder } from "./home-lock.ts";

let home: string;

/** As a process that is gone has left it. */
function leaveClaim(number: number, text: string): void {
  mkdirSync(join(home, "lock"), { recursive: true });
  writeFileSync(join(home, "lock", String(number)), text);
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "berth-lock-"));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test("the second one is refused, and told who the first is", async () => {
  const lock = await lockHome(home);
  await expect(lockHome(home)).rejects.toMatchObject({
    code: "conflict",
    details: { pid: process.pid },
  });
  await lock.release();
  await (await lockHome(home)).release();
});

test("of many at once exactly one gets it", async () => {
  const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => lockHome(home)));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
});

test("a lock of a process that is gone is taken over, by exactly one", async () => {
  leaveClaim(7, JSON.stringify({ pid: 2 ** 30, startTime: "x" }));
  const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => lockHome(home)));
  expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await readLockHolder(home)).toEqual(identityOf(process.pid));
});

test("a lock of a number that another process has by now is taken over", async () => {
  const stale = { ...identityOf(process.pid), startTime: "an earlier boot" };
  leaveClaim(1, JSON.stringify(stale));
  await (await lockHome(home)).release();
});

test("a lock file that was cut off is taken over", async () => {
  leaveClaim(3, '{"pi');
  await (await lockHome(home)).release();
});
