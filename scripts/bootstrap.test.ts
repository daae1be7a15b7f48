import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isInstalled } from "./bootstrap.mjs";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "berth-bootstrap-"));
  await mkdir(join(folder, "node_modules"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(wanted: object, installed: object | null): Promise<void> {
  await writeFile(join(folder, "package-lock.json"), JSON.stringify({ packages: wanted }));
  if (installed === null) return;
  const file = join(folder, "node_modules", ".package-lock.json");
  await writeFile(file, JSON.stringify({ packages: installed }));
}

const zod = { "node_modules/zod": { version: "4.0.0" } };

test("a fresh clone has nothing installed", async () => {
  await write(zod, null);
  expect(isInstalled(folder)).toBe(false);
});

test("what the lockfile asks for, and links to workspaces, is all that is needed", async () => {
  const workspaces = {
    "": {},
    "packages/a": { version: "1.0.0" },
    "node_modules/a": { link: true },
  };
  await write({ ...workspaces, ...zod }, zod);
  expect(isInstalled(folder)).toBe(true);
});

test("another version, or a missing package, is not installed", async () => {
  await write(zod, { "node_modules/zod": { version: "3.9.9" } });
  expect(isInstalled(folder)).toBe(false);
  await write({ ...zod, "node_modules/ws": { version: "8.0.0" } }, zod);
  expect(isInstalled(folder)).toBe(false);
});

test("another platform's optional binary need not be there", async () => {
  await write({ ...zod, "node_modules/fsevents": { version: "2.0.0", optional: true } }, zod);
  expect(isInstalled(folder)).toBe(true);
});
