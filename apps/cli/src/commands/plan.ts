import type { PlanResult } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { candidateTable } from "../output/candidate-table.ts";
import { counted } from "../output/format-values.ts";
import { makeHarmless } from "../output/harmless-text.ts";
import { waitingLines } from "../output/no-fit-lines.ts";
import type { Style } from "../output/terminal.ts";
import { readWorkloadFiles } from "../workload-files/read-workload-files.ts";
import { submitted, tellWarnings } from "../workload-files/submitted.ts";

/** `berth plan`: the leader's own dry run. */
export async function plan(context: Context, files: readonly string[]): Promise<ExitCode> {
  const { client } = context;
  const documents = await readWorkloadFiles(files);
  const workloads = documents.map(({ value }) => value);
  const reply = await submitted(documents, client.call("workload.plan", { workloads }));
  tellWarnings(context, documents, reply.results);
  if (context.format === "json") context.printJson(reply);
  else for (const result of reply.results) printResult(context, result);
  return exitCodeOf(reply.results);
}

function exitCodeOf(results: readonly PlanResult[]): ExitCode {
  if (results.some(({ unplaced }) => unplaced > 0)) return exitCodes.blocked;
  const isChanged = results.some(
    ({ change, placements, stops }) =>
      change !== "unchanged" || placements.length > 0 || stops.length > 0,
  );
  return isChanged ? exitCodes.changes : exitCodes.done;
}

const MARKS: Record<PlanResult["change"], readonly [mark: string, style: Style]> = {
  created: ["+", "green"],
  updated: ["~", "yellow"],
  unchanged: ["=", "dim"],
};

function printResult(context: Context, result: PlanResult): void {
  if (context.format === "jsonl") return context.printJson(result);
  if (context.format === "name") return context.print(result.workload);
  const { out } = context.terminal;
  const [mark, style] = MARKS[result.change];
  context.print(out.paint(style, `${mark} ${result.workload}  ${result.change}`));
  for (const { path, before, after } of result.diff) {
    context.print(`    ${path}: ${jsonText(before)} → ${jsonText(after)}`);
  }
  printPlacements(context, result);
  for (const { allocation, nodeName } of result.stops) {
    context.print(`  ${out.paint("red", "stop")} ${allocation} on ${nodeName}`);
  }
  if (result.stopped > result.stops.length) {
    context.print(`  ${out.paint("red", "stop")} ${result.stopped - result.stops.length} more`);
  }
  printUnplaced(context, result);
}

/** Where each one goes; all of them ask the same, so the first shows how nodes were compared. */
function printPlacements(context: Context, { placements, placed }: PlanResult): void {
  const { out } = context.terminal;
  const place = out.paint("green", "place");
  for (const [at, { index, nodeName, why }] of placements.entries()) {
    const { nodesFeasible, nodesTotal, candidates } = why;
    const fits = `fits ${nodesFeasible} of ${counted(nodesTotal, "node")}`;
    const score = candidates[0] ? `, score ${candidates[0].score}` : "";
    context.print(`  ${place} [${index}] on ${nodeName}: ${fits}${score}`);
    if (at === 0) out.write(candidateTable(out, candidates, "      "));
  }
  if (placed > placements.length) {
    context.print(`  ${place} ${placed - placements.length} more`);
  }
}

function printUnplaced(context: Context, { pending }: PlanResult): void {
  const { out } = context.terminal;
  const nowUnixMs = Date.now();
  for (const { count, explanation } of pending) {
    const { reason, below } = waitingLines(explanation, out, nowUnixMs);
    context.print(`  ${out.paint("yellow", "wait")} ${count}: ${reason}`);
    for (const line of below) context.print(`  ${line}`);
  }
}

function jsonText(value: unknown): string {
  return makeHarmless(JSON.stringify(value));
}
