import {
  describePending,
  describePlacement,
  describeRemedy,
  type PlanResult,
} from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { makeHarmless } from "../output/harmless-text.ts";
import type { Style } from "../output/terminal.ts";
import { readWorkloadFiles } from "../workload-files/read-workload-files.ts";
import { submitted } from "../workload-files/submitted.ts";

/** `berth plan`: the leader's own dry run. */
export async function plan(context: Context, files: readonly string[]): Promise<ExitCode> {
  const { client } = context;
  const documents = await readWorkloadFiles(files);
  const workloads = documents.map(({ value }) => value);
  const reply = await submitted(documents, client.call("workload.plan", { workloads }));
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
  for (const { index, nodeName, why } of result.placements) {
    context.print(
      `  ${out.paint("green", "place")} [${index}] on ${nodeName}: ${describePlacement(why)}`,
    );
  }
  for (const { allocation, nodeName } of result.stops) {
    context.print(`  ${out.paint("red", "stop")} ${allocation} on ${nodeName}`);
  }
  if (result.unplaced > 0) {
    for (const { count, explanation } of result.pending) {
      const reason = describePending(explanation, { nowUnixMs: Date.now() });
      context.print(`  ${out.paint("yellow", "wait")} ${count}: ${reason}`);
    }
    const remedy = result.noFit === null ? null : describeRemedy(result.noFit);
    if (remedy !== null) context.print(`    ${remedy}`);
  }
}

function jsonText(value: unknown): string {
  return makeHarmless(JSON.stringify(value));
}
