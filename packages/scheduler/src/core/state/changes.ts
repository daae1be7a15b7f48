import type { AllocationId, NodeId, WorkloadId } from "@berth/protocol";

/** What one entry touched: all a reader needs to refresh its views and to notify agents. */
export interface Changes {
  readonly seq: number;
  readonly nodes: Set<NodeId>;
  readonly workloads: Set<WorkloadId>;
  readonly allocations: Set<AllocationId>;
  readonly removedNodes: Set<NodeId>;
  readonly removedWorkloads: Set<WorkloadId>;
  readonly removedAllocations: Set<AllocationId>;
  /** Per node whose desired set changed: its generation before, and the difference. */
  readonly desired: Map<NodeId, DesiredChange>;
}

export interface DesiredChange {
  readonly baseGeneration: number;
  readonly added: Set<AllocationId>;
  readonly removed: Set<AllocationId>;
}

export function createChanges(seq: number): Changes {
  return {
    seq,
    nodes: new Set(),
    workloads: new Set(),
    allocations: new Set(),
    removedNodes: new Set(),
    removedWorkloads: new Set(),
    removedAllocations: new Set(),
    desired: new Map(),
  };
}
