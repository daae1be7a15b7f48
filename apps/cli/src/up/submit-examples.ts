import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type ClusterClient, newRequestId } from "../cluster/cluster-client.ts";
import { paths } from "../package-paths.ts";
import { readWorkloadFiles } from "../workload-files/read-workload-files.ts";
import { submitted } from "../workload-files/submitted.ts";

/** Submits everything in the examples folder; resolves to the workloads' ids. */
export async function submitExamples(client: ClusterClient): Promise<string[]> {
  const names = (await readdir(paths.examples)).filter((name) => name.endsWith(".yaml")).toSorted();
  const documents = await readWorkloadFiles(names.map((name) => join(paths.examples, name)));
  const workloads = documents.map(({ value }) => value);
  const request = { requestId: newRequestId(), workloads };
  const { results } = await submitted(documents, client.call("workload.apply", request));
  return results.map(({ workload }) => workload);
}
