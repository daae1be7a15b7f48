import { BerthError, type SpecWarning } from "@berth/protocol";
import type { Context } from "../context.ts";
import { printWarnings } from "../output/report-error.ts";
import { WorkloadFileError } from "./read-workload-files.ts";
import { locateProblems, type WorkloadDocument } from "./workload-document.ts";

/** The cluster's answer to documents; its problems with them at their places in the files. */
export async function submitted<T>(
  documents: readonly WorkloadDocument[],
  answer: Promise<T>,
): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BerthError && error.code === "spec.invalid" && error.problems.length > 0) {
      throw new WorkloadFileError(locateProblems(error.problems, documents));
    }
    throw error;
  }
}

/** What it accepted, and would have its author know. In JSON that is part of the answer. */
export function tellWarnings(
  context: Context,
  documents: readonly WorkloadDocument[],
  results: readonly { readonly warnings: readonly SpecWarning[] }[],
): void {
  if (context.isJson) return;
  const problems = results.flatMap(({ warnings }, document) =>
    warnings.map((warning) => ({ ...warning, document, value: null })),
  );
  printWarnings(context.terminal, locateProblems(problems, documents));
}
