import { setTimeout as delay } from "node:timers/promises";
import type { ClusterStatus } from "@berth/protocol";
import { ClusterClient } from "../cluster/cluster-client.ts";
import { counted } from "../output/format-values.ts";
import type { LiveLines } from "../output/live-lines.ts";

const REFRESH_MS = 1_000;

/** Keeps one line about the cluster up to date, until the signal is raised. */
export async function showLiveStatus(
  home: string,
  lines: LiveLines,
  signal: AbortSignal,
): Promise<void> {
  const client = new ClusterClient(home);
  try {
    while (!signal.aborted) {
      lines.update([await statusLine(client)]);
      await delay(REFRESH_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    lines.end();
    client.close();
  }
}

async function statusLine(client: ClusterClient): Promise<string> {
  try {
    return describe(await client.call("cluster.status", {}, { deadlineMs: REFRESH_MS }));
  } catch {
    return "the scheduler does not answer";
  }
}

function describe({ nodes, workloads, allocations }: ClusterStatus): string {
  const waiting = allocations.pending > 0 ? `, ${allocations.pending} waiting` : "";
  const lost = nodes.ready < nodes.total ? ` of ${nodes.total}` : "";
  const ready = `${nodes.ready}${lost} ${nodes.total === 1 ? "node" : "nodes"} ready`;
  return `${ready}, ${counted(workloads, "workload")}, ${allocations.running} running${waiting}`;
}
