import { limits } from "./limits.ts";
import type { WorkloadSpec } from "./workload-spec.ts";

/** Longer names of nodes and devices are not expected; the log has room for them nevertheless. */
const NODE_NAME_LENGTH = 64;
const DEVICE_NAME_LENGTH = 48;
const NODE_ID_LENGTH = 56;
const LARGE = 9_999_999;

/** How many members a gang of such tasks may have: see `limits.gangBytesMax`. */
export function gangSizeMax(spec: WorkloadSpec): number {
  return Math.floor(limits.gangBytesMax / (JSON.stringify(largestPlacement(spec)).length + 1));
}

/** What is written for one member, shaped as `AllocationPlaced` is. */
function largestPlacement({ project, name, resources, ports }: WorkloadSpec) {
  const { cpuMillis, memoryMiB, diskMiB, networkMbps, gpu, devices } = resources;
  const amounts = { cpuMillis, memoryMiB, diskMiB, networkMbps };
  const details = { gpuShareMillis: LARGE, gpuMemoryMiB: LARGE, storage: LARGE, zone: LARGE };
  const nodeId = "U".repeat(NODE_ID_LENGTH);
  const terms = { stranded: LARGE, antiAffinity: LARGE, affinity: LARGE, spread: LARGE };
  return {
    type: "AllocationPlaced",
    allocationId: `a${LARGE}${LARGE}`,
    workloadId: `${project}/${name}`,
    workloadVersion: LARGE,
    index: LARGE,
    attempt: LARGE,
    nodeId,
    granted: {
      ...amounts,
      ...details,
      gpuUuids: Array.from({ length: gpu?.count ?? 0 }, () => "G".repeat(DEVICE_NAME_LENGTH)),
      ports: Object.fromEntries(Object.keys(ports).map((port) => [port, 65_535])),
      devices: devices ?? {},
      exclusiveCores: true,
    },
    why: {
      nodesTotal: LARGE,
      nodesFeasible: LARGE,
      candidates: [
        {
          nodeId,
          nodeName: "n".repeat(NODE_NAME_LENGTH),
          score: LARGE,
          terms: { ...terms, locality: LARGE },
        },
      ],
    },
  };
}
