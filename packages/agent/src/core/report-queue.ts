import type { AllocationId, AllocationReport } from "@berth/protocol";

/**
 * Reports that the leader has not acknowledged. One for each allocation: a newer one replaces an
 * older one, and a finished one is never replaced. Everything is kept until it is acknowledged;
 * the number of allocations bounds it.
 */
export interface ReportQueue {
  readonly waiting: ReadonlyMap<AllocationId, AllocationReport>;
}

export const emptyQueue: ReportQueue = { waiting: new Map() };

export function enqueue(queue: ReportQueue, report: AllocationReport): ReportQueue {
  if (queue.waiting.get(report.allocationId)?.state === "finished") return queue;
  return { waiting: new Map(queue.waiting).set(report.allocationId, report) };
}

/** The next message, finished ones first: they free resources. Does not take them out. */
export function nextBatch(queue: ReportQueue, reportsMax: number): AllocationReport[] {
  const reports = [...queue.waiting.values()];
  const finished = reports.filter((report) => report.state === "finished");
  const running = reports.filter((report) => report.state === "running");
  return [...finished, ...running].slice(0, reportsMax);
}

/** Takes out what was sent, except where something newer has come meanwhile. */
export function acknowledge(queue: ReportQueue, sent: readonly AllocationReport[]): ReportQueue {
  const waiting = new Map(queue.waiting);
  for (const report of sent) {
    if (waiting.get(report.allocationId) === report) waiting.delete(report.allocationId);
  }
  return { waiting };
}
