import {
  type AllocationId,
  type AllocationReport,
  type ClusterEvent,
  type Exit,
  limits,
  type NodeId,
} from "@berth/protocol";
import type { AllocationRecord, ClusterState } from "../state/cluster-state.ts";

export interface Observed {
  readonly events: ClusterEvent[];
  /** Not desired and not remembered: the agent stops what runs and may drop the record. */
  readonly unknown: AllocationId[];
}

/**
 * Turns an agent's reports into events. Idempotent: what the state already holds says nothing. A
 * running report for an allocation that is final here is unknown, so that the agent ends it.
 */
export function observeReports(
  state: ClusterState,
  nodeId: NodeId,
  reports: readonly AllocationReport[],
  nowUnixMs: number,
): Observed {
  const events: ClusterEvent[] = [];
  const unknown: AllocationId[] = [];
  for (const report of latestOfEach(reports)) {
    const allocation = state.allocations.get(report.allocationId);
    if (!allocation || allocation.nodeId !== nodeId) {
      unknown.push(report.allocationId);
    } else if (allocation.outcome !== null) {
      if (report.state === "running") unknown.push(report.allocationId);
    } else {
      events.push(...observe(allocation, report, nowUnixMs));
    }
  }
  return { events, unknown };
}

/** One report per allocation: the last one, because an allocation ends at most once. */
function latestOfEach(reports: readonly AllocationReport[]): Iterable<AllocationReport> {
  const latest = new Map<AllocationId, AllocationReport>();
  for (const report of reports) {
    const known = latest.get(report.allocationId);
    if (known?.state !== "finished") latest.set(report.allocationId, report);
  }
  return latest.values();
}

function observe(
  allocation: AllocationRecord,
  report: AllocationReport,
  nowUnixMs: number,
): ClusterEvent[] {
  if (report.state === "finished") {
    const { state: _, ...finished } = report;
    // An agent's clock may be wrong; the end is never before the start nor after its arrival here.
    const startedAtUnixMs = report.startedAtUnixMs ?? allocation.startedAtUnixMs;
    const finishedAtUnixMs = Math.max(
      Math.min(report.finishedAtUnixMs, nowUnixMs),
      startedAtUnixMs ?? 0,
    );
    const message = shortened(report.message);
    const exit = shortenedExit(report.exit);
    const bounded = { ...finished, exit, message, startedAtUnixMs, finishedAtUnixMs };
    return [{ type: "AllocationFinished", ...bounded }];
  }
  const { state: _, ...reported } = report;
  const running = { ...reported, message: shortened(report.message) };
  const same =
    allocation.status !== "placed" &&
    allocation.health === report.health &&
    allocation.pid === report.pid &&
    allocation.message === running.message;
  return same ? [] : [{ type: "AllocationRunning", ...running }];
}

function shortenedExit(exit: Exit): Exit {
  return "message" in exit ? { ...exit, message: shortened(exit.message) } : exit;
}

/** An agent says how long its messages are; the log says how much of them it keeps. */
function shortened<Text extends string | null>(text: Text): Text | string {
  if (text === null || text.length <= limits.reportMessageLengthMax) return text;
  return `${text.slice(0, limits.reportMessageLengthMax - 1)}…`;
}
