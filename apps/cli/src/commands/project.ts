import {
  formatCpuMillis,
  formatMemoryMiB,
  type ProjectView,
  type QuotaAmounts,
} from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { printList } from "../output/print-list.ts";
import type { Column } from "../output/table.ts";

/** Amounts as they were typed; null takes one away. */
export type QuotaOption = Record<string, string | number | null>;

export interface ProjectSetOptions {
  readonly parent?: string;
  readonly weight?: number;
  readonly guarantee?: QuotaOption;
  readonly limit?: QuotaOption;
  readonly borrow?: boolean;
}

export async function listProjects(context: Context): Promise<ExitCode> {
  const reply = await context.client.call("project.list", {});
  printList(context, {
    rows: reply.projects,
    columns: projectColumns(),
    name: ({ name }) => name,
    json: reply,
    empty: "No projects. Configure one with: berth project set <name>",
  });
  return exitCodes.done;
}

export async function setProject(
  context: Context,
  name: string,
  { parent, weight, guarantee, limit, borrow }: ProjectSetOptions,
): Promise<ExitCode> {
  const project = {
    name,
    ...(parent === undefined ? {} : { parent: parent === "none" ? null : parent }),
    ...(weight === undefined ? {} : { weight }),
    ...(guarantee === undefined ? {} : { guaranteed: guarantee }),
    ...(limit === undefined ? {} : { limit }),
    ...(borrow === undefined ? {} : { mayBorrow: borrow }),
  };
  const reply = await context.client.call("project.configure", {
    requestId: newRequestId(),
    project,
  });
  if (context.isJson) context.printJson(reply);
  else if (context.format === "name") context.print(reply.project.name);
  else context.print(`${reply.project.name}  ${reply.change}`);
  return exitCodes.done;
}

export async function removeProject(context: Context, project: string): Promise<ExitCode> {
  const reply = await context.client.call("project.remove", { requestId: newRequestId(), project });
  if (context.isJson) context.printJson(reply);
  else context.print(`${reply.project}  removed`);
  return exitCodes.done;
}

function projectColumns(): Column<ProjectView>[] {
  return [
    { title: "PROJECT", value: ({ name }) => name },
    { title: "PARENT", value: ({ parent }) => parent ?? "-" },
    { title: "WEIGHT", value: ({ weight }) => String(weight), align: "right" },
    { title: "SHARE", value: ({ dominant }) => percentText(dominant.sharePpm), align: "right" },
    { title: "OF", value: ({ dominant }) => dominantText(dominant) },
    { title: "CPU", value: (row) => usedOf(row, "cpuMillis", formatCpuMillis), align: "right" },
    { title: "MEMORY", value: (row) => usedOf(row, "memoryMiB", formatMemoryMiB), align: "right" },
    { title: "GPUS", value: (row) => usedOf(row, "gpuMillis", gpuText), align: "right" },
    { title: "GUARANTEED", value: ({ guaranteed }) => amountsText(guaranteed) },
    { title: "ALLOCS", value: ({ live }) => String(live), align: "right" },
    { title: "WAIT", value: ({ waiting }) => String(waiting), align: "right" },
    {
      title: "BORROWS",
      value: ({ mayBorrow }) => (mayBorrow ? "yes" : "no"),
      wide: true,
    },
  ];
}

/** What is used, of the limit where there is one. */
function usedOf(
  { used, limit }: ProjectView,
  dimension: keyof QuotaAmounts,
  format: (amount: number) => string,
): string {
  const most = limit[dimension];
  return most === null ? format(used[dimension]) : `${format(used[dimension])}/${format(most)}`;
}

function amountsText({ cpuMillis, memoryMiB, gpuMillis }: QuotaAmounts): string {
  const parts = [
    ...(cpuMillis === null ? [] : [`cpu=${formatCpuMillis(cpuMillis)}`]),
    ...(memoryMiB === null ? [] : [`memory=${formatMemoryMiB(memoryMiB)}`]),
    ...(gpuMillis === null ? [] : [`gpu=${gpuText(gpuMillis)}`]),
  ];
  return parts.length === 0 ? "-" : parts.join(",");
}

function dominantText({ dimension }: ProjectView["dominant"]): string {
  switch (dimension) {
    case "cpuMillis":
      return "cpu";
    case "memoryMiB":
      return "memory";
    case "gpuMillis":
      return "gpu";
    case null:
      return "-";
  }
}

function gpuText(gpuMillis: number): string {
  return String(gpuMillis / 1_000);
}

/** Of millionths: `12.5%`. */
export function percentText(ppm: number): string {
  return `${Math.round(ppm / 1_000) / 10}%`;
}
