import {
  type Candidate,
  describeNearestFit,
  describePending,
  describeRejection,
  type PendingGroup,
  type Why,
  type WorkloadSpec,
} from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { age, counted } from "../output/format-values.ts";
import { resourceTexts } from "../output/resources-text.ts";
import { allocationStyle, workloadStyle } from "../output/status-style.ts";
import { type Column, renderTable } from "../output/table.ts";

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
  context.print(`${head}  needs ${needsText(spec)}`);
}

/** What one instance asks for, biggest worry first. */
export function needsText({ resources, ports }: WorkloadSpec): string {
  const count = Object.keys(ports).length;
  return [...resourceTexts(resources), ...(count > 0 ? [counted(count, "port")] : [])].join(", ");
}

function printPending(context: Context, { count, indexes, explanation }: PendingGroup): void {
  const { out } = context.terminal;
  const ranges = indexes.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
  const head = `${out.paint("yellow", "waiting")} [${ranges}]  ${counted(count, "instance")}`;
  if (explanation.reason !== "no_fit") {
    context.print(`${head}: ${describePending(explanation, { nowUnixMs: Date.now() })}`);
    return;
  }
  const { nodesTotal, rejections, nearest } = explanation;
  context.print(`${head}: fits none of ${counted(nodesTotal, "node")}`);
  for (const rejection of rejections) context.print(`  ${describeRejection(rejection)}`);
  for (const fit of nearest) context.print(`  ${out.paint("cyan", describeNearestFit(fit))}`);
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
  const table = renderTable(out, candidateColumns(reasons.candidates), reasons.candidates);
  out.write(table.replaceAll(/^/gm, "    ").trimEnd());
  out.write("\n");
}

/** The score and every term of it; the terms of one decision are the same for all candidates. */
function candidateColumns(candidates: readonly Candidate[]): Column<Candidate>[] {
  const terms = Object.keys(candidates[0]?.terms ?? {});
  return [
    { title: "NODE", value: ({ nodeName }) => nodeName },
    { title: "SCORE", value: ({ score }) => String(score), align: "right" },
    ...terms.map(
      (term): Column<Candidate> => ({
        title: term.toUpperCase(),
        value: (candidate) => String(candidate.terms[term] ?? 0),
        align: "right",
      }),
    ),
  ];
}
