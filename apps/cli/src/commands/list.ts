import { listAll } from "../cluster/list-all.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { allocationColumns, nodeColumns, workloadColumns } from "../output/columns.ts";
import { printList } from "../output/print-list.ts";
import type { ListKind } from "../program/options.ts";

export interface ListOptions {
  readonly all?: true;
  readonly project?: string;
  readonly workload?: string;
  readonly node?: string;
}

/** `berth ls`. */
export async function list(
  context: Context,
  kind: ListKind,
  options: ListOptions,
): Promise<ExitCode> {
  switch (kind) {
    case "workloads":
      await listWorkloads(context, options);
      break;
    case "allocations":
      await listAllocations(context, options);
      break;
    case "nodes":
      await listNodes(context);
      break;
  }
  return exitCodes.done;
}

async function listWorkloads(context: Context, { project }: ListOptions): Promise<void> {
  const reply = await listAll(context.client, "workload.list", { project: project ?? null });
  printList(context, {
    rows: reply.workloads,
    columns: workloadColumns(Date.now()),
    name: ({ id }) => id,
    json: reply,
    empty: "No workloads. Submit one with: berth apply <file>",
  });
}

async function listAllocations(context: Context, options: ListOptions): Promise<void> {
  const { workload = null, node = null, all = false } = options;
  const reply = await listAll(context.client, "allocation.list", { workload, node, all });
  printList(context, {
    rows: reply.allocations,
    columns: allocationColumns(Date.now()),
    name: ({ id }) => id,
    json: reply,
    empty: all ? "No allocations." : "No live allocations; --all shows ended ones too.",
  });
}

async function listNodes(context: Context): Promise<void> {
  const reply = await listAll(context.client, "node.list", {});
  printList(context, {
    rows: reply.nodes,
    columns: nodeColumns(Date.now()),
    name: ({ name }) => name,
    json: reply,
    empty: "No nodes have joined yet.",
  });
}
