import { createNodes, serverShapes } from "../node-shapes.ts";
import type { Mix, Step } from "../scenario.ts";
import { pick, placeStep, type Wanted } from "../workload.ts";

const ROUNDS_PER_NODE = 1;
const CLASSES = 20;
const COUNTS = [1, 2, 4, 8];
/** Every so many rounds a node is lost and another one joins. */
const ROUNDS_PER_LOSS = 5;
/** What runs already, in tasks for each node. */
const RUNNING_PER_NODE = 10;

/** Tasks come and go, and nodes too: nothing stays remembered for long. */
export const churn: Mix = {
  name: "churn",
  about: "tasks come and end, nodes are lost and join",
  create(nodeCount, random, load) {
    const losses = Math.floor((ROUNDS_PER_NODE * nodeCount) / ROUNDS_PER_LOSS);
    const classes = Array.from(
      { length: CLASSES },
      (): Wanted => ({
        cpuMillis: 250 * (1 + random.below(16)),
        memoryMiB: 512 * (1 + random.below(32)),
      }),
    );
    let workloads = 0;
    let asked = 0;
    const arrive = (count: number): Step => {
      asked += count;
      workloads += 1;
      return placeStep(workloads - 1, count, pick(classes, random));
    };
    const before = Array.from({ length: (RUNNING_PER_NODE * load * nodeCount) / 10 }, () =>
      arrive(10),
    );
    const steps: Step[] = [];
    for (let round = 0; round < ROUNDS_PER_NODE * nodeCount; round += 1) {
      const count = pick(COUNTS, random);
      for (let ended = 0; ended < count; ended += 1) {
        steps.push({ kind: "finish", allocation: random.below(asked) });
      }
      steps.push(arrive(count));
      if (round % ROUNDS_PER_LOSS !== 0) continue;
      const loss = round / ROUNDS_PER_LOSS;
      if (loss >= losses) continue;
      steps.push({ kind: "leave", node: loss }, { kind: "join", node: nodeCount + loss });
    }
    return {
      nodes: createNodes(nodeCount, serverShapes, losses),
      nodesAtStart: nodeCount,
      before,
      steps,
    };
  },
};
