import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { BoundedLogFile } from "./bounded-log-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "berth-log-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("a full file gives way to a new one, and only the last one is kept beside it", () => {
  const path = join(folder, "deep", "part.log");
  const log = new BoundedLogFile(path, 10);
  for (const line of ["one\n", "two\n", "three\n", "four\n", "five\n"])
    log.write(Buffer.from(line));
  log.close();
  expect(readFileSync(path, "utf8")).toBe("four\nfive\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("three\n");
});

test("what an earlier run wrote counts", () => {
  const path = join(folder, "part.log");
  const first = new BoundedLogFile(path, 10);
  first.write(Buffer.from("12345678"));
  first.close();
  const second = new BoundedLogFile(path, 10);
  second.write(Buffer.from("abc"));
  second.close();
  expect(readFileSync(path, "utf8")).toBe("abc");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("12345678");
});
