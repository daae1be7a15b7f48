import { WHOLE_GPU_MILLIS } from "@berth/protocol";
import { allocatable } from "../place/check-node.ts";
import type { ClusterState } from "../state/cluster-state.ts";
import { noUse, type QuotaUse } from "../state/quota-use.ts";

/** What all nodes that are not down have together: what shares are shares of. */
export function clusterCapacity({ nodes }: ClusterState): QuotaUse {
  const capacity = noUse();
  for (const node of nodes.values()) {
    if (node.status === "down") continue;
    capacity.cpuMillis += allocatable(node, "cpuMillis") ?? 0;
    capacity.memoryMiB += allocatable(node, "memoryMiB") ?? 0;
    const gpus = node.description.hardware.gpus.filter(
      ({ health }) => health?.state !== "unhealthy",
    );
    capacity.gpuMillis += gpus.length * WHOLE_GPU_MILLIS;
  }
  return capacity;
}
