import { createNodes, serverShapes } from "../node-shapes.ts";
import type { Mix } from "../scenario.ts";
import { pick, placeStep } from "../workload.ts";

const TASKS_PER_NODE = 3;
const COUNTS = [3, 6, 12, 24];

/** Services that must survive a host and would like to survive a rack or a zone. */
export const spread: Mix = {
  name: "spread",
  about: "services over zones and racks, one of each on a host",
  create(nodeCount, random, load) {
    const workloads = Math.ceil(
      (TASKS_PER_NODE * load * nodeCount) / (sum(COUNTS) / COUNTS.length),
    );
    return {
      nodes: createNodes(nodeCount, serverShapes),
      nodesAtStart: nodeCount,
      before: [],
      steps: Array.from({ length: workloads }, (_, number) =>
        placeStep(number, pick(COUNTS, random), {
          kind: "service",
          cpuMillis: 500 * (1 + random.below(8)),
          memoryMiB: 1_024 * (1 + random.below(16)),
          ports: ["http"],
          placement: {
            spread: [
              { by: "node.labels.zone", weight: 100, targets: {} },
              { by: "node.labels.rack", weight: 50, targets: {} },
            ],
            distinct: [{ by: "node.name", max: 1 }],
          },
        }),
      ),
    };
  },
};

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
