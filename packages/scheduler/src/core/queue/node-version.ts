import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

/** What a node is and holds, and until when, as of a moment. */
export interface NodeVersion {
  readonly description: NodeRecord["description"];
  readonly status: NodeRecord["status"];
  readonly eligibility: NodeRecord["eligibility"];
  readonly drain: NodeRecord["drain"];
  /** Grows with each placement and stop; an end makes what lives fewer. */
  readonly generation: number;
  readonly live: number;
  readonly cpuOvercommitPercent: number;
  readonly timeLimitChanges: number;
}

export function versionOf({ agenda }: ClusterState, node: NodeRecord): NodeVersion {
  const { description, status, eligibility, drain, generation, live, cpuOvercommitPercent } = node;
  const { timeLimitChanges } = agenda;
  return {
    description,
    status,
    eligibility,
    drain,
    generation,
    live: live.size,
    cpuOvercommitPercent,
    timeLimitChanges,
  };
}

/** Whether nothing of it has changed since. Asked for each node in turn, so it makes no values. */
export function isUnchanged(
  version: NodeVersion,
  { agenda }: ClusterState,
  node: NodeRecord,
): boolean {
  return (
    version.generation === node.generation &&
    version.live === node.live.size &&
    version.description === node.description &&
    version.status === node.status &&
    version.eligibility === node.eligibility &&
    version.drain === node.drain &&
    version.cpuOvercommitPercent === node.cpuOvercommitPercent &&
    version.timeLimitChanges === agenda.timeLimitChanges
  );
}
