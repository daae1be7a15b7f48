import {
  type AllocationView,
  describeExit,
  formatCpuMillis,
  formatMemoryMiB,
  type NodeView,
  type WorkloadView,
} from "@berth/protocol";
import { age } from "./format-values.ts";
import { allocationStyle, nodeStyle, workloadStyle } from "./status-style.ts";
import type { Column } from "./table.ts";

export function workloadColumns(nowUnixMs: number): Column<WorkloadView>[] {
  return [
    { title: "WORKLOAD", value: ({ id }) => id },
    { title: "KIND", value: ({ kind }) => kind },
    {
      title: "STATUS",
      value: ({ status }) => status,
      style: ({ status }) => workloadStyle(status),
    },
    { title: "DONE", value: doneText, align: "right" },
    { title: "WAIT", value: ({ pending }) => String(pending), align: "right" },
    { title: "FAILED", value: ({ failed }) => String(failed), align: "right", wide: true },
    { title: "VERSION", value: ({ version }) => String(version), align: "right", wide: true },
    {
      title: "AGE",
      value: ({ submittedAtUnixMs }) => age(submittedAtUnixMs, nowUnixMs),
      align: "right",
    },
    { title: "REASON", value: ({ reason }) => reason ?? "" },
  ];
}

/** Complete of a batch, healthy of the others; of how many there should be. */
function doneText({ kind, complete, healthy, desired }: WorkloadView): string {
  return `${kind === "batch" ? complete : healthy}/${desired}`;
}

export function allocationColumns(nowUnixMs: number): Column<AllocationView>[] {
  return [
    { title: "ALLOC", value: ({ id }) => id },
    { title: "WORKLOAD", value: ({ workload, index }) => `${workload}[${index}]` },
    { title: "NODE", value: ({ nodeName }) => nodeName },
    { title: "STATUS", value: ({ status }) => status, style: allocationStyle },
    { title: "HEALTH", value: ({ health }) => (health === "none" ? "-" : health) },
    { title: "CPU", value: ({ granted }) => formatCpuMillis(granted.cpuMillis), align: "right" },
    { title: "MEMORY", value: ({ granted }) => formatMemoryMiB(granted.memoryMiB), align: "right" },
    { title: "PORTS", value: portsText },
    {
      title: "PID",
      value: ({ pid }) => (pid === null ? "-" : String(pid)),
      align: "right",
      wide: true,
    },
    { title: "ATTEMPT", value: ({ attempt }) => String(attempt), align: "right", wide: true },
    { title: "AGE", value: ({ placedAtUnixMs }) => age(placedAtUnixMs, nowUnixMs), align: "right" },
    { title: "ENDED", value: endText },
  ];
}

function portsText({ granted }: AllocationView): string {
  const ports = Object.entries(granted.ports).map(([name, port]) => `${name}:${port}`);
  return ports.length === 0 ? "-" : ports.join(" ");
}

/** How it ended, or why it is about to. */
function endText({ exit, stopReason, message, outcome }: AllocationView): string {
  if (exit && outcome !== "stopped") return describeExit(exit);
  return stopReason ?? message ?? "";
}

export function nodeColumns(nowUnixMs: number): Column<NodeView>[] {
  return [
    { title: "NODE", value: ({ name }) => name },
    { title: "ID", value: ({ id }) => `${id.slice(0, 8)}…` },
    { title: "STATUS", value: nodeStatusText, style: nodeStyle },
    { title: "ALLOCS", value: ({ allocations }) => String(allocations), align: "right" },
    {
      title: "CPU",
      value: ({ granted, capacity }) =>
        `${formatCpuMillis(granted.cpuMillis)}/${formatCpuMillis(capacity.cpuMillis)}`,
      align: "right",
    },
    {
      title: "MEMORY",
      value: ({ granted, capacity }) =>
        `${formatMemoryMiB(granted.memoryMiB)}/${formatMemoryMiB(capacity.memoryMiB)}`,
      align: "right",
    },
    { title: "GPUS", value: ({ gpus }) => `${gpus.granted}/${gpus.total}`, align: "right" },
    {
      title: "SINCE",
      value: ({ statusSinceUnixMs }) => age(statusSinceUnixMs, nowUnixMs),
      align: "right",
    },
    { title: "LABELS", value: labelsText, wide: true },
    { title: "AGENT", value: ({ agentVersion }) => agentVersion, wide: true },
  ];
}

/** `ready`, `ready, cordoned`, `ready, draining`, `down: no beat for 10 s`. */
export function nodeStatusText({ status, statusReason, eligibility, drain }: NodeView): string {
  const state = status === "ready" ? status : `${status}: ${statusReason}`;
  return drain ? `${state}, draining` : eligibility === "cordoned" ? `${state}, cordoned` : state;
}

function labelsText({ labels }: NodeView): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");
}
