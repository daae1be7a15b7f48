import type { PendingGroup, Why, WorkloadSpec } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { candidateTable } from "../output/candidate-table.ts";
import { age, counted } from "../output/format-values.ts";
import { makeHarmless } from "../output/harmless-text.ts";
import { waitingLines } from "../output/no-fit-lines.ts";
import { needsText, rulesText } from "../output/spec-text.ts";
import { allocationStyle, workloadStyle } from "../output/status-style.ts";

/** `berth why`: every word here is made from the decision's own data. */
export async function why(context: Context, name: string): Promise<ExitCode> {
  const answer = await context.client.call("workload.why", { workload: name });
  if (context.isJson) {
    context.printJson(answer);
    return exitCodes.done;
  }
  const { spec } = await context.client.call("workload.get", { workload: answer.workload.id });
  printHead(context, answer, spec);
  for (const group of answer.pending) printPending(context, group);
  for (const placement of answer.placed) printPlacement(context, placement);
  if (answer.pending.length === 0 && answer.placed.length === 0) {
    context.print(answer.workload.reason ?? "Nothing of it waits and nothing of it runs.");
  }
  return exitCodes.done;
}

function printHead(context: Context, { workload }: Why, spec: WorkloadSpec): void {
  const { out } = context.terminal;
  const style = workloadStyle(workload.status);
  const status = style === null ? workload.status : out.paint(style, workload.status);
  const since = age(workload.submittedAtUnixMs, Date.now());
  const head = `${out.paint("bold", workload.id)}  ${workload.kind}  ${status}  ${since}`;
  context.print(`${head}  needs ${makeHarmless(needsText(spec))}`);
  const rules = rulesText(spec);
  if (rules !== null) context.print(`  ${out.paint("dim", makeHarmless(rules))}`);
}

function printPending(context: Context, { count, indexes, explanation }: PendingGroup): void {
  const { out } = context.terminal;
  const nowUnixMs = Date.now();
  const ranges = indexes.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
  const head = `${out.paint("yellow", "waiting")} [${ranges}]  ${counted(count, "instance")}`;
  const { reason, below } = waitingLines(explanation, out, nowUnixMs);
  context.print(`${head}: ${reason}`);
  for (const line of below) context.print(line);
}

function printPlacement(
  context: Context,
  { allocation, why: reasons }: Why["placed"][number],
): void {
  const { out } = context.terminal;
  const style = allocationStyle(allocation);
  const { id, index, nodeName, status, attempt } = allocation;
  const state = style === null ? status : out.paint(style, status);
  const again = attempt > 1 ? `, attempt ${attempt}` : "";
  context.print(`${state} [${index}]  ${id} on ${nodeName}${again}`);
  if (reasons === null) return;
  context.print(`  fitted ${reasons.nodesFeasible} of ${counted(reasons.nodesTotal, "node")}:`);
  out.write(candidateTable(out, reasons.candidates, "    "));
}
