import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { VERSION } from "../version.ts";

const PATIENCE_MS = 1_000;

/** `berth version`: never fails for want of a cluster. */
export async function version(context: Context): Promise<ExitCode> {
  const cluster = await clusterVersion(context);
  if (context.isJson) context.printJson({ version: VERSION, cluster, node: process.version });
  else {
    context.print(`berth ${VERSION}`);
    context.print(cluster === null ? "cluster: no answer" : `cluster ${cluster}`);
  }
  return exitCodes.done;
}

async function clusterVersion(context: Context): Promise<string | null> {
  try {
    return (await context.client.call("cluster.status", {}, { deadlineMs: PATIENCE_MS })).version;
  } catch {
    return null;
  }
}
