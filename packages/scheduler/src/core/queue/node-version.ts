import type { ClusterState, NodeRecord } from "../state/cluster-state.ts";

const descriptions = new WeakMap<object, number>();
let described = 0;

/**
 * Names what a node is and holds, and until when: equal for as long as neither changes. The generation grows with
 * each placement and stop; an end makes what lives fewer.
 */
export function versionOf({ agenda }: ClusterState, node: NodeRecord): string {
  const { description, status, eligibility, drain, generation, live, cpuOvercommitPercent } = node;
  const drained = drain === null ? "" : "drained";
  return `${numberOf(description)} ${status} ${eligibility} ${drained} ${generation} ${live.size} ${cpuOvercommitPercent} ${agenda.timeLimitChanges}`;
}

/** A number for each description that this process has met. */
function numberOf(description: object): number {
  const known = descriptions.get(description);
  if (known !== undefined) return known;
  described += 1;
  descriptions.set(description, described);
  return described;
}
