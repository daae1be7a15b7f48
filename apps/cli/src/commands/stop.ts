import type { WorkloadDetail } from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { findWorkload } from "../watch/find-workload.ts";
import { waitForEvents } from "../watch/wait-for-events.ts";

export interface StopOptions {
  readonly wait?: true;
  readonly timeout: number;
}

/** `berth stop`: all names are known before any of them is stopped. */
export async function stop(
  context: Context,
  names: readonly string[],
  options: StopOptions,
): Promise<ExitCode> {
  const ids = await resolveAll(context, names);
  const results: { seq: number; workload: string }[] = [];
  for (const workload of ids) {
    const request = { requestId: newRequestId(), workload };
    results.push(await context.client.call("workload.stop", request));
    if (!context.isJson)
      context.print(context.format === "name" ? workload : `${workload}  stop requested`);
  }
  if (context.isJson) context.printJson({ results });
  if (!options.wait) return exitCodes.done;
  return waitForAll(
    context,
    ids,
    options.timeout,
    (detail) => detail === null || detail.status === "stopped",
  );
}

/** `berth rm`. */
export async function remove(
  context: Context,
  names: readonly string[],
  options: StopOptions,
): Promise<ExitCode> {
  const ids = await resolveAll(context, names);
  const results: { seq: number; workload: string; removed: boolean }[] = [];
  for (const workload of ids) {
    const request = { requestId: newRequestId(), workload };
    const result = await context.client.call("workload.remove", request);
    results.push(result);
    if (context.isJson) continue;
    const state = result.removed ? "removed" : "stopping; removed once all of it has ended";
    context.print(context.format === "name" ? workload : `${workload}  ${state}`);
  }
  if (context.isJson) context.printJson({ results });
  if (!options.wait) return exitCodes.done;
  return waitForAll(context, ids, options.timeout, (detail) => detail === null);
}

async function resolveAll(context: Context, names: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const workload of names) {
    ids.push((await context.client.call("workload.get", { workload })).id);
  }
  return ids;
}

async function waitForAll(
  context: Context,
  ids: readonly string[],
  timeoutMs: number,
  isDone: (detail: WorkloadDetail | null) => boolean,
): Promise<ExitCode> {
  return waitForEvents(context, { timeoutMs }, async () => {
    for (const workload of ids) {
      if (!isDone(await findWorkload(context, workload))) return null;
    }
    return exitCodes.done;
  });
}
