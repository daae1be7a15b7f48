import { createNodes, serverShapes } from "../node-shapes.ts";
import type { Mix } from "../scenario.ts";
import { placeStep } from "../workload.ts";

const TASKS_PER_NODE = 20;
const TASKS_PER_WORKLOAD = 1_000;

/** What a parameter sweep or a large web tier looks like to the scheduler. */
export const identical: Mix = {
  name: "identical",
  about: "batches of 1,000 equal tasks",
  create(nodeCount, _, load) {
    const workloads = Math.ceil((TASKS_PER_NODE * load * nodeCount) / TASKS_PER_WORKLOAD);
    return {
      nodes: createNodes(nodeCount, serverShapes),
      nodesAtStart: nodeCount,
      before: [],
      steps: Array.from({ length: workloads }, (_, number) =>
        placeStep(number, TASKS_PER_WORKLOAD, { cpuMillis: 1_000, memoryMiB: 4_096 }),
      ),
    };
  },
};
