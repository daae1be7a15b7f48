import { validateWorkloads } from "@berth/protocol/validate-workloads";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { readWorkloadFiles, WorkloadFileError } from "../workload-files/read-workload-files.ts";
import { locateProblems } from "../workload-files/workload-document.ts";

/** `berth validate`: what the leader would say of the files, without one. */
export async function validate(context: Context, files: readonly string[]): Promise<ExitCode> {
  const documents = await readWorkloadFiles(files);
  const validated = validateWorkloads(documents.map(({ value }) => value));
  if (!validated.ok) throw new WorkloadFileError(locateProblems(validated.problems, documents));
  const workloads = validated.specs.map(({ project, name }) => `${project}/${name}`);
  if (context.isJson) context.printJson({ valid: true, workloads });
  else if (context.format === "name") for (const id of workloads) context.print(id);
  else context.print(`${counted(workloads.length, "workload")}, no problems`);
  return exitCodes.done;
}
