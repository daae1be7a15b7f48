import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const PATIENCE_MS = 10_000;
const POLL_INTERVAL_MS = 20;

/**
 * Ends the server that runs with exactly this configuration file, if the pid file names one; any
 * other process that has taken over the number since is left alone.
 */
export async function stopLeftover(pidFile: string, configFile: string): Promise<void> {
  const pid = Number((await readFile(pidFile, "utf8").catch(() => "")).trim());
  if (!Number.isInteger(pid) || pid <= 1) return;
  const isLeftover = async () => (await commandLine(pid)).includes(configFile);
  if (!(await isLeftover())) return;
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    send(pid, signal);
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      if (!(await isLeftover())) {
        await rm(pidFile, { force: true });
        return;
      }
      await delay(POLL_INTERVAL_MS);
    }
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Empty when there is no such process, or it is a zombie. */
async function commandLine(pid: number): Promise<string> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ");
  } catch {
    if (process.platform === "linux") return "";
  }
  return promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]).then(
    ({ stdout }) => stdout,
    () => "",
  );
}
