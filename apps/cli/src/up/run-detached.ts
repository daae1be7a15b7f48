import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { BerthError } from "@berth/protocol";
import { readClusterFile } from "../cluster/cluster-file.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { paths } from "../package-paths.ts";

/**
 * Runs this same command line without `--detach` in a session of its own, and returns once that
 * one is ready. What it says goes to `logs/up.log`; if it fails, that is shown.
 */
export async function runDetached(context: Context): Promise<ExitCode> {
  const folder = join(context.home, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const logFile = join(folder, "up.log");
  const log = openSync(logFile, "w", 0o600);
  const args = process.argv.slice(2).filter((arg) => arg !== "--detach" && arg !== "-d");
  const child = spawn(process.execPath, [paths.executable, ...args, "--home", context.home], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  const end = await new Promise<"ready" | number>((resolve, reject) => {
    child.once("message", () => resolve("ready"));
    child.once("exit", (code) => resolve(code ?? exitCodes.error));
    child.once("error", reject);
  });
  if (end !== "ready") {
    context.terminal.notes.write(readFileSync(logFile, "utf8"));
    return isExitCode(end) ? end : exitCodes.error;
  }
  if (child.connected) child.disconnect();
  child.unref();
  const file = readClusterFile(context.home);
  if (!file) throw new BerthError("internal", "the cluster is ready but left no cluster.json");
  const { consoleUrl, natsUrl, ports, replicas } = file;
  if (context.isJson)
    context.printJson({ ready: true, home: context.home, consoleUrl, natsUrl, ports, replicas });
  else {
    context.print(`Berth is ready: ${consoleUrl}`);
    context.print("`berth down` stops it.");
  }
  return exitCodes.done;
}

function isExitCode(code: number): code is ExitCode {
  return Object.values<number>(exitCodes).includes(code);
}
