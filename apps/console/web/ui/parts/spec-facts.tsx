import type { WorkloadSpec } from "@berth/protocol";
import { formatDurationMs } from "@berth/protocol";
import { formatAmount } from "../../model/dimension.ts";
import { Facts } from "./facts.tsx";

/** A workload's spec as people would say it. */
export function SpecFacts({ spec }: { spec: WorkloadSpec }) {
  const { task, restart, stop } = spec;
  const ports = Object.entries(spec.ports).map(([name, port]) =>
    port.static === null ? name : `${name} = ${port.static}`,
  );
  const variables = Object.keys(task.env);
  return (
    <Facts
      facts={[
        ["Command", <code key="command">{task.command.join(" ")}</code>],
        ["Driver", task.driver],
        ["Resources", resourcesText(spec)],
        ["Ports", ports.join(", ") || "none"],
        ["Check", checkText(spec)],
        ["Constraints", spec.constraints.join(" and ") || "none"],
        ["Variables", variables.join(", ") || "none"],
        ["Priority", spec.priority],
        [
          "Restart",
          `${restart.attempts} in ${formatDurationMs(restart.withinMs)}, then ${restart.exhausted}`,
        ],
        ["Stop", `${stop.signal}, ${formatDurationMs(stop.graceMs)} grace`],
      ]}
    />
  );
}

function resourcesText({ resources }: WorkloadSpec): string {
  const { cpuMillis, memoryMiB, diskMiB, networkMbps, gpu } = resources;
  const parts = [
    `${formatAmount("cpu", cpuMillis)} cpu`,
    `${formatAmount("memory", memoryMiB)} memory`,
  ];
  if (diskMiB > 0) parts.push(`${formatAmount("disk", diskMiB)} disk`);
  if (networkMbps > 0) parts.push(`${formatAmount("network", networkMbps)} network`);
  if (gpu !== null) {
    const models = gpu.models.length === 0 ? "" : ` of ${gpu.models.join(" or ")}`;
    parts.push(`${gpu.count} GPU${gpu.count === 1 ? "" : "s"}${models}`);
  }
  return parts.join(", ");
}

function checkText(spec: WorkloadSpec): string {
  if (spec.kind === "batch" || spec.check === null) return "none";
  const { probe, intervalMs } = spec.check;
  const what =
    probe.type === "http" ? `GET ${probe.path} on ${probe.port}` : `connect to ${probe.port}`;
  return `${what} every ${formatDurationMs(intervalMs)}`;
}
