import { createNodes, serverShapes } from "../node-shapes.ts";
import type { Mix } from "../scenario.ts";
import { placeStep, type Wanted } from "../workload.ts";
import type { Random } from "../../random.ts";

const TASKS_PER_NODE = 5;

/** Nothing is alike: no request helps another one. */
export const different: Mix = {
  name: "different",
  about: "every task asks for something else",
  create(nodeCount, random, load) {
    const seen = new Set<string>();
    return {
      nodes: createNodes(nodeCount, serverShapes),
      nodesAtStart: nodeCount,
      before: [],
      steps: Array.from({ length: TASKS_PER_NODE * load * nodeCount }, (_, number) =>
        placeStep(number, 1, drawUnseen(seen, random)),
      ),
    };
  },
};

/** From a tenth of a core to 16, most of them small; memory in any proportion; some use a disk. */
function drawUnseen(seen: Set<string>, random: Random): Wanted {
  for (;;) {
    const cpuMillis = 100 + Math.round(2 ** (random.below(7_300) / 1_000) * 100);
    const perCore = 512 + random.below(12_000);
    const memoryMiB = Math.round((cpuMillis * perCore) / 1_000);
    const key = `${cpuMillis} ${memoryMiB}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const diskMiB = random.below(4) === 0 ? 1_024 * (1 + random.below(64)) : 0;
    return { cpuMillis, memoryMiB, diskMiB };
  }
}
