import { createNodes, gpuShapes } from "../node-shapes.ts";
import type { Mix, Step } from "../scenario.ts";
import { pick, placeStep } from "../workload.ts";

/** Members of the largest gang: 512 GPUs. Small clusters get one of a quarter of their nodes. */
const LARGEST = 64;
const MEMBERS = [2, 4, 4, 8, 16];
const GPUS_PER_MEMBER = 8;
/** Of the nodes with eight GPUs, how many the gangs ask for. */
const ASKED_PERCENT = 90;

/** Training jobs that run on whole servers, all of them at once or not at all. */
export const gang: Mix = {
  name: "gang",
  about: "gangs of 2 to 64 servers with eight GPUs each, many within a rack",
  create(nodeCount, random, load) {
    const [training, older] = gpuShapes;
    const shapes = [training, older].filter((shape) => shape !== undefined);
    const wanted = Math.ceil((load * nodeCount * ASKED_PERCENT) / 100);
    const steps: Step[] = [];
    const add = (members: number, within: string | null): number => {
      const placement = { gang: { within } };
      const step = placeStep(steps.length, members, {
        cpuMillis: 96_000,
        memoryMiB: 768 * 1_024,
        gpu: { count: GPUS_PER_MEMBER },
        placement,
      });
      steps.push(step);
      return members;
    };
    let asked = add(Math.min(LARGEST, Math.ceil(nodeCount / 4)), null);
    while (asked < wanted) {
      const within = random.below(2) === 0 ? "node.labels.rack" : null;
      asked += add(pick(MEMBERS, random), within);
    }
    return {
      nodes: createNodes(nodeCount, shapes),
      nodesAtStart: nodeCount,
      before: [],
      steps,
    };
  },
};
