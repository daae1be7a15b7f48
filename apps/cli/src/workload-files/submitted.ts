import { BerthError } from "@berth/protocol";
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
