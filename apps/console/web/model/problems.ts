import type { AllocationView, NodeView, WorkloadView } from "@berth/protocol";
import type { ClusterModel } from "./cluster-model.ts";
import { nodeHref, workloadHref } from "./route.ts";

export type Severity = "broken" | "degraded" | "waiting" | "notice";

/** One thing an operator should know, with where to look. */
export interface Problem {
  readonly key: string;
  readonly severity: Severity;
  readonly subject: string;
  readonly kind: "node" | "workload";
  readonly text: string;
  readonly sinceUnixMs: number;
  readonly href: string;
}

const RANK: Readonly<Record<Severity, number>> = { broken: 0, degraded: 1, waiting: 2, notice: 3 };

/** The worst first; of equals, the one that began last. */
export function findProblems(model: ClusterModel): Problem[] {
  const problems = [
    ...[...model.nodes.values()].flatMap((node) => nodeProblem(node) ?? []),
    ...[...model.workloads.values()].flatMap((workload) => workloadProblem(workload, model) ?? []),
  ];
  return problems.sort(
    (a, b) => RANK[a.severity] - RANK[b.severity] || b.sinceUnixMs - a.sinceUnixMs,
  );
}

function nodeProblem(node: NodeView): Problem | null {
  const about = {
    key: node.id,
    kind: "node",
    subject: node.name,
    href: nodeHref(node.id),
  } as const;
  const sinceUnixMs = node.statusSinceUnixMs;
  if (node.status === "down") {
    return { ...about, severity: "broken", text: `down: ${node.statusReason}`, sinceUnixMs };
  }
  if (node.status === "suspect") {
    const text = `does not answer: ${node.statusReason}`;
    return { ...about, severity: "degraded", text, sinceUnixMs };
  }
  if (node.drain !== null) {
    const left = `${node.allocations} left on it`;
    const text = `draining, ${left}`;
    return { ...about, severity: "notice", text, sinceUnixMs: node.drain.startedAtUnixMs };
  }
  if (node.eligibility === "cordoned") {
    return { ...about, severity: "notice", text: "cordoned: takes no placements", sinceUnixMs };
  }
  return null;
}

function workloadProblem(workload: WorkloadView, model: ClusterModel): Problem | null {
  const severity = workloadSeverity(workload);
  if (severity === null) return null;
  return {
    key: workload.id,
    kind: "workload",
    severity,
    subject: workload.id,
    text: workload.reason ?? unhealthyText(workload, model),
    sinceUnixMs: workload.updatedAtUnixMs,
    href: workloadHref(workload.id),
  };
}

function workloadSeverity(workload: WorkloadView): Severity | null {
  switch (workload.status) {
    case "failed":
      return "broken";
    case "degraded":
      return "degraded";
    case "pending":
      return "waiting";
    case "progressing":
      return workload.pending > 0 || workload.reason !== null ? "waiting" : null;
    case "running":
    case "complete":
    case "stopping":
    case "stopped":
      return null;
  }
}

/** The scheduler gave no reason: what can be counted is said. */
function unhealthyText(workload: WorkloadView, model: ClusterModel): string {
  const starting = [...model.allocations.values()].filter((allocation) =>
    isStarting(allocation, workload),
  ).length;
  if (starting > 0) return `${starting} of ${workload.desired} starting`;
  return `${workload.running} of ${workload.desired} running, ${workload.pending} waiting`;
}

function isStarting(allocation: AllocationView, { id }: WorkloadView): boolean {
  return (
    allocation.workload === id &&
    (allocation.status === "placed" ||
      (allocation.status === "running" && allocation.health === "starting"))
  );
}
