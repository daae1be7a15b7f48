import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Environment } from "../core/task-environment.ts";
import type { AllocationFolder } from "./allocation-folder.ts";

/** The same from `src/shell` and from `dist/shell`. */
export const SHIM_PATH = fileURLToPath(new URL("../../shim/berth-shim.sh", import.meta.url));

export interface ShimOptions {
  readonly folder: AllocationFolder;
  readonly command: readonly string[];
  readonly environment: Environment;
  readonly workFolder: string;
  /** What the task writes itself into before it starts; their names have no blanks. */
  readonly joinFiles: readonly string[];
}

/** The status of a task that could not join one of them. */
export const CANNOT_JOIN_STATUS = 125;

/**
 * Starts a shim in its own session, so that neither a signal to the agent's group nor the agent's
 * end reaches the task. Throws, or emits `error`, when the system cannot start a process.
 */
export function spawnShim(options: ShimOptions): ChildProcess {
  const { folder, command, environment, workFolder } = options;
  const joins = options.joinFiles.flatMap((file) => ["-j", file]);
  const output = openSync(path.join(folder.logsPath, "stdout.log"), "a", 0o600);
  const errors = openSync(path.join(folder.logsPath, "stderr.log"), "a", 0o600);
  try {
    const child = spawn("/bin/sh", [SHIM_PATH, ...joins, folder.runPath, ...command], {
      cwd: workFolder,
      env: environment,
      detached: true,
      stdio: ["ignore", output, errors],
    });
    child.unref();
    return child;
  } finally {
    closeSync(output);
    closeSync(errors);
  }
}
