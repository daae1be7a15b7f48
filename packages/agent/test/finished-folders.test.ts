import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { allocationId } from "@berth/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AllocationFolder, type FinishedReport } from "../src/shell/allocation-folder.ts";
import { FinishedFolders } from "../src/shell/finished-folders.ts";
import { TestHost } from "./support/test-host.ts";

let host: TestHost;
beforeEach(() => {
  host = new TestHost();
});
afterEach(async () => {
  await host.dispose();
});

function finish(
  folders: FinishedFolders,
  number: number,
  isAcknowledged: boolean,
): AllocationFolder {
  const id = allocationId(number);
  const folder = new AllocationFolder(path.join(host.state.allocationsPath, id));
  folder.create();
  writeFileSync(path.join(folder.taskPath, "output"), "x".repeat(1_000));
  const report: FinishedReport = {
    state: "finished",
    allocationId: id,
    outcome: "complete",
    exit: { kind: "code", code: 0 },
    startedAtUnixMs: number,
    finishedAtUnixMs: number,
    message: null,
  };
  folders.add(folder, report, isAcknowledged);
  return folder;
}

test("finished folders beyond the number kept are deleted, oldest first", async () => {
  const folders = new FinishedFolders(host.state, host.logger, { foldersMax: 2, bytesMax: 1e9 });
  const made = [1, 2, 3, 4].map((number) => finish(folders, number, true));
  expect((await folders.collect(() => true)).sort()).toEqual(["a1", "a2"]);
  expect(made.map((folder) => existsSync(folder.path))).toEqual([false, false, true, true]);
});

test("finished folders beyond the bytes kept are deleted", async () => {
  const folders = new FinishedFolders(host.state, host.logger, { foldersMax: 9, bytesMax: 2_500 });
  for (const number of [1, 2, 3]) finish(folders, number, true);
  expect(await folders.collect(() => true)).toEqual(["a1"]);
});

test("one that is not acknowledged, or still desired, is never deleted", async () => {
  const folders = new FinishedFolders(host.state, host.logger, { foldersMax: 0, bytesMax: 0 });
  finish(folders, 1, false);
  finish(folders, 2, true);
  expect(await folders.collect((id) => id !== "a2")).toEqual([]);
  folders.acknowledged(allocationId(1));
  expect(await folders.collect((id) => id !== "a2")).toEqual(["a1"]);
});
