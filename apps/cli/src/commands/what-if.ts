import {
  BerthError,
  describePendingGroup,
  describeNearestFit,
  formatDurationMs,
  type HypothesisInput,
  type IndexChange,
  type WaitingWorkload,
  type WhatIf,
} from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { headroomTables } from "../output/headroom-tables.ts";
import { type Column, renderTable } from "../output/table.ts";
import type { Style } from "../output/terminal.ts";
import { readWorkloadFiles } from "../workload-files/read-workload-files.ts";
import { submitted } from "../workload-files/submitted.ts";

/** What is worked out on a copy of the state takes seconds on a large cluster. */
export const LONG_ANSWER_MS = 120_000;

export async function whatIfDrain(context: Context, nodes: readonly string[]): Promise<ExitCode> {
  return ask(context, { kind: "drain", nodes: [...nodes] });
}

/** Nodes, with or without the word `node` before them, or one label as `key=value`. */
export async function whatIfLose(context: Context, what: readonly string[]): Promise<ExitCode> {
  const [first = "", ...others] = what;
  if (first === "node" && others.length > 0) return ask(context, { kind: "lose", nodes: others });
  const at = first.indexOf("=");
  if (at < 0) return ask(context, { kind: "lose", nodes: [...what] });
  if (others.length > 0) {
    throw new BerthError("invalid", "one label at a time, or the names of nodes", {
      hint: "such as: berth what-if lose rack=r1",
    });
  }
  const label = first.slice(0, at).replace(/^node\.labels\./, "");
  return ask(context, { kind: "lose.label", label, value: first.slice(at + 1) });
}

export async function whatIfAdd(
  context: Context,
  count: number,
  { like }: { readonly like: string },
): Promise<ExitCode> {
  return ask(context, { kind: "add", count, like });
}

export async function whatIfSubmit(context: Context, files: readonly string[]): Promise<ExitCode> {
  const documents = await readWorkloadFiles(files);
  const workloads = documents.map(({ value }) => value);
  const answer = call(context, { kind: "submit", workloads });
  return show(context, await submitted(documents, answer));
}

export interface ResizeOptions {
  readonly count?: number;
  readonly cpu?: number;
  readonly memory?: number;
  readonly disk?: number;
  readonly network?: number;
  readonly gpus?: number;
}

export async function whatIfResize(
  context: Context,
  workload: string,
  { count, cpu, memory, disk, network, gpus }: ResizeOptions,
): Promise<ExitCode> {
  const sizes = [count, cpu, memory, disk, network, gpus];
  if (sizes.every((size) => size === undefined)) {
    throw new BerthError("invalid", "it is resized to nothing else than it is", {
      hint: "Give a new size, such as --count 5 or --memory 2GiB.",
    });
  }
  return ask(context, {
    kind: "resize",
    workload,
    count: count ?? null,
    cpuMillis: cpu ?? null,
    memoryMiB: memory ?? null,
    diskMiB: disk ?? null,
    networkMbps: network ?? null,
    gpus: gpus ?? null,
  });
}

async function ask(context: Context, hypothesis: HypothesisInput): Promise<ExitCode> {
  return show(context, await call(context, hypothesis));
}

function call({ client }: Context, hypothesis: HypothesisInput): Promise<WhatIf> {
  return client.call("cluster.whatif", { hypothesis }, { waitMs: LONG_ANSWER_MS });
}

function show(context: Context, answer: WhatIf): ExitCode {
  if (context.isJson) context.printJson(answer);
  else if (context.format === "name")
    for (const { allocation } of answer.changes) printName(allocation);
  else printAnswer(context, answer);
  const isMoreWaiting = answer.waiting.some(({ before, waiting }) => waiting > before);
  return answer.counts.displaced > 0 || isMoreWaiting ? exitCodes.blocked : exitCodes.done;

  function printName(allocation: IndexChange["allocation"]): void {
    if (allocation !== null) context.print(allocation);
  }
}

const STYLES: Readonly<Record<IndexChange["change"], Style>> = {
  displaced: "red",
  moved: "yellow",
  restarted: "yellow",
  started: "green",
  ended: "dim",
};

const changeColumns: readonly Column<IndexChange>[] = [
  { title: "CHANGE", value: ({ change }) => change, style: ({ change }) => STYLES[change] },
  { title: "INSTANCE", value: ({ workload, index }) => `${workload}[${index}]` },
  { title: "ALLOC", value: ({ allocation }) => allocation ?? "-" },
  { title: "FROM", value: ({ from }) => from ?? "-" },
  { title: "TO", value: ({ to }) => to ?? "-" },
];

function printAnswer(context: Context, answer: WhatIf): void {
  const { out } = context.terminal;
  const { changes, counts, waiting, waitingWorkloads, before, after, tookMs, passes, seq } = answer;
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const told = Object.entries(counts).flatMap(([change, count]) =>
    count === 0 ? [] : [`${count.toLocaleString("en")} ${change}`],
  );
  context.print(out.paint("bold", told.length === 0 ? "nothing would move" : told.join(", ")));
  if (changes.length > 0) out.write(`\n${renderTable(out, changeColumns, changes)}`);
  if (all > changes.length) context.print(`… and ${counted(all - changes.length, "more", "more")}`);
  if (waiting.length > 0) context.print("");
  for (const one of waiting) printWaiting(context, one);
  const unlisted = waitingWorkloads - waiting.length;
  if (unlisted > 0)
    context.print(`… and ${counted(unlisted, "workload")} more with instances that wait`);
  out.write(`\n${headroomTables(out, before, after)}`);
  context.note(
    `from the state at ${seq}, ${counted(passes, "pass", "passes")}, ${formatDurationMs(tookMs)}; nothing was changed`,
  );
}

function printWaiting(
  context: Context,
  { workload, before, waiting, groups }: WaitingWorkload,
): void {
  const { out } = context.terminal;
  const change = before === waiting ? String(waiting) : `${before} → ${waiting}`;
  context.print(`${out.paint("yellow", "waiting")}  ${workload}  ${change}`);
  for (const group of groups) {
    context.print(`  ${describePendingGroup(group, { nowUnixMs: Date.now() })}`);
    const { explanation } = group;
    const [nearest] = explanation.reason === "no_fit" ? explanation.nearest : [];
    if (nearest) context.print(`    ${describeNearestFit(nearest)}`);
  }
}
