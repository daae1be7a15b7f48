import type { NodeView } from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import { listAll } from "../cluster/list-all.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { nodeStatusText } from "../output/columns.ts";
import { counted } from "../output/format-values.ts";
import { LiveLines } from "../output/live-lines.ts";
import { waitForEvents } from "../watch/wait-for-events.ts";

export async function cordon(
  context: Context,
  node: string,
  reason: string | null,
): Promise<ExitCode> {
  const request = { requestId: newRequestId(), node, reason };
  printNode(context, await context.client.call("node.cordon", request));
  return exitCodes.done;
}

export async function uncordon(context: Context, node: string): Promise<ExitCode> {
  const request = { requestId: newRequestId(), node };
  printNode(context, await context.client.call("node.uncordon", request));
  return exitCodes.done;
}

export interface DrainOptions {
  readonly deadline?: number;
  readonly ignoreSystem?: true;
  readonly reason?: string;
  readonly wait?: true;
  readonly timeout: number;
}

export async function drain(
  context: Context,
  node: string,
  options: DrainOptions,
): Promise<ExitCode> {
  const reply = await context.client.call("node.drain", {
    requestId: newRequestId(),
    node,
    deadlineMs: options.deadline ?? null,
    ignoreSystem: options.ignoreSystem ?? false,
    reason: options.reason ?? null,
  });
  printNode(context, reply);
  if (!options.wait) return exitCodes.done;
  return waitUntilEmpty(context, reply.node, options);
}

/** With system workloads ignored, they stay, and so they do not count. */
async function waitUntilEmpty(
  context: Context,
  { id, name }: NodeView,
  { timeout, ignoreSystem }: DrainOptions,
): Promise<ExitCode> {
  const lines = new LiveLines(context.terminal.notes);
  return waitForEvents(context, { timeoutMs: timeout, node: id }, async () => {
    const { allocations } = await listAll(context.client, "allocation.list", { node: id });
    const { workloads } = ignoreSystem
      ? await listAll(context.client, "workload.list", {})
      : { workloads: [] };
    const staying = new Set(
      workloads.flatMap(({ id: of, kind }) => (kind === "system" ? [of] : [])),
    );
    const left = allocations.filter(({ workload }) => !staying.has(workload)).length;
    lines.update([`${name}  ${counted(left, "allocation")} left`]);
    return left === 0 ? exitCodes.done : null;
  }).finally(() => lines.end());
}

export async function remove(context: Context, node: string): Promise<ExitCode> {
  const reply = await context.client.call("node.remove", { requestId: newRequestId(), node });
  if (context.isJson) context.printJson(reply);
  else context.print(`${reply.node}  removed`);
  return exitCodes.done;
}

function printNode(context: Context, reply: { seq: number; node: NodeView }): void {
  if (context.isJson) context.printJson(reply);
  else if (context.format === "name") context.print(reply.node.name);
  else context.print(`${reply.node.name}  ${nodeStatusText(reply.node)}`);
}
