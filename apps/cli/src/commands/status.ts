import {
  type ClusterStatus,
  formatCpuMillis,
  formatMemoryMiB,
  type WorkloadView,
} from "@berth/protocol";
import type { ClusterFile } from "../cluster/cluster-file.ts";
import { listAll } from "../cluster/list-all.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { workloadColumns } from "../output/columns.ts";
import { renderTable } from "../output/table.ts";

/** Where the eye should go first. */
const TROUBLE: readonly WorkloadView["status"][] = ["failed", "degraded", "pending", "progressing"];
const TROUBLE_ROWS_MAX = 10;

/** `berth status`: what is broken comes before what is fine. */
export async function status(context: Context): Promise<ExitCode> {
  const cluster = await context.client.call("cluster.status", {});
  if (context.isJson) {
    context.printJson(cluster);
    return exitCodes.done;
  }
  const { workloads } = await listAll(context.client, "workload.list", {});
  printCluster(context, cluster);
  const troubled = workloads
    .filter((workload) => TROUBLE.includes(workload.status))
    .toSorted((a, b) => TROUBLE.indexOf(a.status) - TROUBLE.indexOf(b.status));
  if (troubled.length > 0) {
    const shown = troubled.slice(0, TROUBLE_ROWS_MAX);
    const { out } = context.terminal;
    out.write(
      `\n${renderTable(
        out,
        workloadColumns(Date.now()).filter(({ wide }) => !wide),
        shown,
      )}`,
    );
    if (troubled.length > shown.length)
      context.note(`and ${troubled.length - shown.length} more: berth ls`);
  }
  return exitCodes.done;
}

function printCluster(context: Context, cluster: ClusterStatus): void {
  const { out } = context.terminal;
  const { nodes, allocations, capacity, granted, gpus } = cluster;
  const ready = cluster.ready ? out.paint("green", "ready") : out.paint("red", "not ready");
  const rows: [string, string][] = [
    [
      "cluster",
      `${cluster.clusterId}  ${ready}, version ${cluster.version}, sequence ${cluster.seq}`,
    ],
    ["leader", `${leaderName(context, cluster)}, term ${cluster.term}`],
    ["log", describeLog(context.client.cluster)],
    ["console", context.client.cluster.consoleUrl],
    [
      "nodes",
      listed([
        [`${nodes.ready} of ${nodes.total} ready`, 1],
        [`${nodes.suspect} suspect`, nodes.suspect],
        [`${nodes.down} down`, nodes.down],
        [`${nodes.cordoned} cordoned`, nodes.cordoned],
      ]),
    ],
    [
      "work",
      listed([
        [counted(cluster.workloads, "workload"), 1],
        [`${allocations.running} running`, 1],
        [`${allocations.placed} starting`, allocations.placed],
        [`${allocations.stopping} stopping`, allocations.stopping],
        [`${allocations.pending} waiting`, allocations.pending],
      ]),
    ],
    [
      "granted",
      [
        `cpu ${formatCpuMillis(granted.cpuMillis)} of ${formatCpuMillis(capacity.cpuMillis)}`,
        `memory ${formatMemoryMiB(granted.memoryMiB)} of ${formatMemoryMiB(capacity.memoryMiB)}`,
        `gpus ${gpus.granted} of ${gpus.total}`,
      ].join(", "),
    ],
  ];
  for (const [name, text] of rows) context.print(`${out.paint("dim", name.padEnd(8))}  ${text}`);
}

/** `host:pid` says little of which of several it is: where the part is this home's, its name too. */
function leaderName(context: Context, { leader }: ClusterStatus): string {
  const { children } = context.client.cluster;
  const pid = Number(leader.slice(leader.lastIndexOf(":") + 1));
  const [name] = Object.entries(children).find(([, child]) => child.pid === pid) ?? [];
  return name === undefined ? leader : `${name} (${leader})`;
}

function describeLog({ replicas, natsUrl }: ClusterFile): string {
  const addresses = natsUrl.split(",").join(", ");
  return replicas === 1 ? `one copy, ${addresses}` : `${replicas} copies, ${addresses}`;
}

/** Only what there is any of. */
function listed(parts: readonly (readonly [text: string, count: number])[]): string {
  return parts.flatMap(([text, count]) => (count > 0 ? [text] : [])).join(", ");
}
