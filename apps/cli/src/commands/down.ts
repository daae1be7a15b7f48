import { BerthError } from "@berth/protocol";
import { readClusterFile, writeClusterFile } from "../cluster/cluster-file.ts";
import { isRunning } from "../cluster/process-identity.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { endLeftovers, hasEnded } from "../up/end-leftovers.ts";
import { readLockHolder } from "../up/home-lock.ts";
import { stopTasks } from "../up/stop-tasks.ts";

export interface DownOptions {
  readonly tasks?: true;
}

const PATIENCE_MS = 45_000;

/** `berth down`: of a running cluster, of what a killed one left behind, or of nothing at all. */
export async function down(context: Context, options: DownOptions): Promise<ExitCode> {
  const { home } = context;
  const wasRunning = await stopSupervisor(home);
  const file = readClusterFile(home);
  const leftovers = file ? await endLeftovers(file) : 0;
  if (file && (leftovers > 0 || file.supervisor !== null)) {
    await writeClusterFile(home, { ...file, ready: false, supervisor: null, children: {} });
  }
  const tasks = options.tasks ? await stopTasks(home) : null;
  if (context.isJson) {
    context.printJson({ home, wasRunning, leftovers, tasksStopped: tasks });
    return exitCodes.done;
  }
  context.print(wasRunning ? "Stopped." : "It was not running.");
  if (leftovers > 0)
    context.print(`Ended ${counted(leftovers, "process", "processes")} of a killed cluster.`);
  if (tasks !== null) context.print(`Stopped ${counted(tasks, "task")}.`);
  return exitCodes.done;
}

async function stopSupervisor(home: string): Promise<boolean> {
  const claimed = [await readLockHolder(home), readClusterFile(home)?.supervisor ?? null];
  const holder = claimed.find((process) => process !== null && isRunning(process));
  if (!holder) return false;
  process.kill(holder.pid, "SIGTERM");
  if (await hasEnded(holder, PATIENCE_MS)) return true;
  throw new BerthError(
    "timeout",
    `process ${holder.pid} has not ended after ${PATIENCE_MS / 1_000} s`,
    {
      hint: `See ${home}/logs.`,
    },
  );
}
