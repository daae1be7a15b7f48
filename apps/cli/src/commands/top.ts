import { setTimeout as delay } from "node:timers/promises";
import {
  type AgentUsage,
  type AllocationView,
  BerthError,
  formatCpuMillis,
  formatMemoryMiB,
  type NodeView,
  subjects,
} from "@berth/protocol";
import { listAll } from "../cluster/list-all.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { age, counted } from "../output/format-values.ts";
import { nodeStyle } from "../output/status-style.ts";
import { type Column, renderTable } from "../output/table.ts";

export interface TopOptions {
  readonly once?: true;
  readonly sort: "cpu" | "memory";
}

interface Usage {
  readonly cpuMillis: number | null;
  readonly memoryMiB: number | null;
}

interface Picture {
  readonly atUnixMs: number;
  readonly nodes: readonly (NodeView & {
    readonly used: Usage | null;
    readonly usedAtUnixMs: number | null;
  })[];
  readonly allocations: readonly (AllocationView & { readonly used: Usage | null })[];
}

const REFRESH_MS = 1_000;
/** One interval of the agents' usage reports, and a little more. */
const FIRST_USAGE_WAIT_MS = 6_000;
const CLEAR = "\u001b[H\u001b[0J";
const ALTERNATE_SCREEN_ON = "\u001b[?1049h\u001b[?25l";
const ALTERNATE_SCREEN_OFF = "\u001b[?25h\u001b[?1049l";

/** `berth top`: live on a terminal; one picture where the output is not one, or with `--once`. */
export async function top(context: Context, options: TopOptions): Promise<ExitCode> {
  const usage = new UsageBoard(context);
  const { out } = context.terminal;
  if (options.once || context.isJson || !out.isTerminal) {
    await usage.first(FIRST_USAGE_WAIT_MS);
    const picture = await look(context, usage);
    if (context.isJson) context.printJson(picture);
    else out.write(render(context, picture, options, Number.POSITIVE_INFINITY));
    return exitCodes.done;
  }
  out.write(ALTERNATE_SCREEN_ON);
  try {
    while (!context.interrupted.aborted) {
      out.write(CLEAR + (await screen(context, usage, options)));
      await delay(REFRESH_MS, undefined, { signal: context.interrupted });
    }
  } catch (error) {
    if (!context.interrupted.aborted) throw error;
  } finally {
    out.write(ALTERNATE_SCREEN_OFF);
  }
  return exitCodes.done;
}

async function screen(context: Context, usage: UsageBoard, options: TopOptions): Promise<string> {
  try {
    return render(context, await look(context, usage), options, process.stdout.rows - 1);
  } catch (error) {
    if (error instanceof BerthError && error.retryable) return `${error.message}; trying again\n`;
    throw error;
  }
}

/** The newest usage report of each node; droppable telemetry, so it may be missing. */
class UsageBoard {
  readonly #reports = new Map<string, AgentUsage>();
  #onFirst: (() => void) | null = null;

  constructor(context: Context) {
    context.client.subscribe(subjects.agentEvery("usage"), (body) => {
      if (!isUsage(body)) return;
      this.#reports.set(body.nodeId, body);
      this.#onFirst?.();
    });
  }

  /** Settles with the first report of any node, or after the wait. */
  async first(waitMs: number): Promise<void> {
    if (this.#reports.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#onFirst = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  ofNode(nodeId: string): AgentUsage | null {
    return this.#reports.get(nodeId) ?? null;
  }

  ofAllocation({ id, node }: AllocationView): Usage | null {
    return this.ofNode(node)?.allocations.find(({ allocationId }) => allocationId === id) ?? null;
  }
}

function isUsage(body: unknown): body is AgentUsage {
  return (
    typeof body === "object" &&
    body !== null &&
    "nodeId" in body &&
    "host" in body &&
    "allocations" in body &&
    Array.isArray(body.allocations)
  );
}

async function look(context: Context, usage: UsageBoard): Promise<Picture> {
  const [{ nodes }, { allocations }] = await Promise.all([
    listAll(context.client, "node.list", {}),
    listAll(context.client, "allocation.list", {}),
  ]);
  return {
    atUnixMs: Date.now(),
    nodes: nodes.map((node) => {
      const report = usage.ofNode(node.id);
      const used = report && { cpuMillis: report.host.cpuMillis, memoryMiB: report.host.memoryMiB };
      return { ...node, used, usedAtUnixMs: report?.atUnixMs ?? null };
    }),
    allocations: allocations.map((allocation) => ({
      ...allocation,
      used: usage.ofAllocation(allocation),
    })),
  };
}

function render(context: Context, picture: Picture, { sort }: TopOptions, rowsMax: number): string {
  const { out } = context.terminal;
  const key = sort === "cpu" ? "cpuMillis" : "memoryMiB";
  const sorted = picture.allocations.toSorted(
    (a, b) => (b.used?.[key] ?? -1) - (a.used?.[key] ?? -1),
  );
  const room = Math.max(1, rowsMax - picture.nodes.length - 5);
  const nodes = renderTable(out, nodeColumns(picture.atUnixMs), picture.nodes);
  const allocations = renderTable(out, allocationColumns, sorted.slice(0, room));
  const rest = sorted.length > room ? `and ${counted(sorted.length - room, "more", "more")}\n` : "";
  return `${nodes}\n${allocations}${rest}`;
}

function nodeColumns(nowUnixMs: number): Column<Picture["nodes"][number]>[] {
  return [
    { title: "NODE", value: ({ name }) => name },
    { title: "STATUS", value: ({ status }) => status, style: nodeStyle },
    { title: "CPU USED", value: ({ used }) => cpuText(used), align: "right" },
    {
      title: "GRANTED",
      value: ({ granted }) => formatCpuMillis(granted.cpuMillis),
      align: "right",
    },
    { title: "OF", value: ({ capacity }) => formatCpuMillis(capacity.cpuMillis), align: "right" },
    { title: "MEMORY USED", value: ({ used }) => memoryText(used), align: "right" },
    {
      title: "GRANTED",
      value: ({ granted }) => formatMemoryMiB(granted.memoryMiB),
      align: "right",
    },
    { title: "OF", value: ({ capacity }) => formatMemoryMiB(capacity.memoryMiB), align: "right" },
    { title: "ALLOCS", value: ({ allocations }) => String(allocations), align: "right" },
    { title: "SEEN", value: ({ usedAtUnixMs }) => age(usedAtUnixMs, nowUnixMs), align: "right" },
  ];
}

const allocationColumns: readonly Column<Picture["allocations"][number]>[] = [
  { title: "ALLOC", value: ({ id }) => id },
  { title: "WORKLOAD", value: ({ workload, index }) => `${workload}[${index}]` },
  { title: "NODE", value: ({ nodeName }) => nodeName },
  { title: "CPU USED", value: ({ used }) => cpuText(used), align: "right" },
  { title: "GRANTED", value: ({ granted }) => formatCpuMillis(granted.cpuMillis), align: "right" },
  { title: "MEMORY USED", value: ({ used }) => memoryText(used), align: "right" },
  { title: "GRANTED", value: ({ granted }) => formatMemoryMiB(granted.memoryMiB), align: "right" },
];

/** What was not measured is not 0. */
function cpuText(used: Usage | null): string {
  return used === null || used.cpuMillis === null ? "?" : `${Math.round(used.cpuMillis)}m`;
}

function memoryText(used: Usage | null): string {
  return used === null || used.memoryMiB === null
    ? "?"
    : formatMemoryMiB(Math.round(used.memoryMiB));
}
