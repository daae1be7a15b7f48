import type { AllocationView } from "@berth/protocol";
import type { AllocationRecord } from "../state/cluster-state.ts";

export function allocationView(allocation: AllocationRecord): AllocationView {
  return {
    id: allocation.id,
    workload: allocation.workloadId,
    workloadVersion: allocation.workloadVersion,
    index: allocation.index,
    attempt: allocation.attempt,
    node: allocation.nodeId,
    nodeName: allocation.nodeName,
    status: allocation.status,
    health: allocation.health,
    granted: allocation.granted,
    stopReason: allocation.stopReason,
    outcome: allocation.outcome,
    exit: allocation.exit,
    message: allocation.message,
    pid: allocation.pid,
    placedAtUnixMs: allocation.placedAtUnixMs,
    startedAtUnixMs: allocation.startedAtUnixMs,
    finishedAtUnixMs: allocation.finishedAtUnixMs,
  };
}
