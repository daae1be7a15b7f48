import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { nodeClock } from "@berth/runtime/node";
import { memoryLogger } from "@berth/runtime/memory";
import type { Controller } from "../../src/core/cgroup/hierarchies.ts";
import { ExecEngine } from "../../src/shell/exec/exec-engine.ts";
import { anyNodeId, type TestHost } from "./test-host.ts";

const trial = new ExecEngine({ nodeId: anyNodeId(), clock: nodeClock, logger: memoryLogger() });

/** Why tests of the driver, or of one thing that it enforces, cannot run on this machine; else null. */
export function whyNot(controller: Controller = "memory"): string | null {
  const { status } = trial;
  if (!status.available) return status.reason;
  return status.lacks?.find(({ what }) => what === controller)?.reason ?? null;
}

/** For the end of a title. */
export function skipped(controller?: Controller): string {
  const reason = whyNot(controller);
  return reason === null ? "" : ` [skipped: ${reason}]`;
}

/** The text of a file of a task's control group, from whichever tree has it. */
export function groupFile(host: TestHost, id: string, name: string): string {
  const folders = host.task(id).processes.group?.cgroup.folders ?? [];
  const file = folders.map((folder) => path.join(folder, name)).find((each) => existsSync(each));
  return file === undefined ? "" : readFileSync(file, "utf8").trim();
}

/** Folders of a task's control group that are still there. */
export function groupFolders(host: TestHost, id: string): string[] {
  const folders = host.task(id).processes.group?.cgroup.folders ?? [];
  return folders.filter((folder) => existsSync(folder));
}
