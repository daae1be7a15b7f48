import type { ApplyResult, WorkloadDetail } from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { progressText } from "../output/workload-text.ts";
import { workloadStyle } from "../output/status-style.ts";
import { type Settled, waitUntilSettled } from "../watch/wait-until-settled.ts";
import { readWorkloadFiles } from "../workload-files/read-workload-files.ts";
import { submitted, tellWarnings } from "../workload-files/submitted.ts";

export interface ApplyOptions {
  readonly wait?: true;
  readonly timeout: number;
}

/** `berth apply`: see the help text for what the exit codes mean. */
export async function apply(
  context: Context,
  files: readonly string[],
  options: ApplyOptions,
): Promise<ExitCode> {
  const { client } = context; // It connects while the files are read.
  const documents = await readWorkloadFiles(files);
  const workloads = documents.map(({ value }) => value);
  const { seq, results } = await submitted(
    documents,
    client.call("workload.apply", { requestId: newRequestId(), workloads }),
  );
  tellWarnings(context, documents, results);
  if (!context.isJson && context.format !== "name") {
    const print = options.wait ? context.note.bind(context) : context.print.bind(context);
    for (const result of results) print(changeText(result));
  }
  if (!options.wait) {
    if (context.isJson) context.printJson({ seq, results });
    if (context.format === "name") for (const { workload } of results) context.print(workload);
    return exitCodes.done;
  }
  const settled = await waitUntilSettled(context, results, options.timeout);
  printOutcome(context, seq, results, settled);
  return settled.exitCode;
}

function changeText({ workload, version, change }: ApplyResult): string {
  return `${workload}  ${change}, version ${version}`;
}

function printOutcome(
  context: Context,
  seq: number,
  results: readonly ApplyResult[],
  settled: Settled,
): void {
  if (context.isJson) {
    const described = results.map((result) => ({
      ...result,
      ...summary(settled, result.workload),
    }));
    context.printJson({ seq, results: described });
    return;
  }
  for (const { workload } of results) {
    const detail = settled.details.get(workload);
    if (context.format === "name") context.print(workload);
    else if (detail) {
      const { out } = context.terminal;
      const style = workloadStyle(detail.status);
      const text = progressText(detail);
      context.print(`${workload}  ${style === null ? text : out.paint(style, text)}`);
    }
  }
}

type Summary = Pick<
  WorkloadDetail,
  | "status"
  | "desired"
  | "running"
  | "healthy"
  | "pending"
  | "complete"
  | "failed"
  | "reason"
  | "pendingGroups"
>;

/** Null when it was removed while we waited. */
function summary(settled: Settled, workload: string): Summary | { status: null } {
  const detail = settled.details.get(workload);
  if (!detail) return { status: null };
  const { status, desired, running, healthy, pending, complete, failed, reason, pendingGroups } =
    detail;
  return { status, desired, running, healthy, pending, complete, failed, reason, pendingGroups };
}
