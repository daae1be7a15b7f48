import { createNodes, serverShapes } from "../node-shapes.ts";
import type { Mix } from "../scenario.ts";
import { pick, placeStep } from "../workload.ts";

const WORKLOADS_PER_NODE = 1;
const COUNTS = [1, 2, 4, 8, 16];

const WHERE = [
  "node.labels.zone == z0",
  "node.labels.zone in [z1, z2]",
  "node.labels.zone not in [z3]",
  'node.cpu.model =~ "EPYC"',
  "node.cpu.threads >= 100",
  "node.memoryMiB > 300000",
  "node.labels.disk == nvme",
  "not (node.labels.tier == spare)",
  "node.kernel >= 6.1",
  "node.labels.disk == ssd or node.labels.zone == z0",
];

/** Work that may not go everywhere: zones, generations of servers, disks, kernels. */
export const constraints: Mix = {
  name: "constraints",
  about: "each workload with up to three constraints",
  create(nodeCount, random, load) {
    return {
      nodes: createNodes(nodeCount, serverShapes),
      nodesAtStart: nodeCount,
      before: [],
      steps: Array.from({ length: WORKLOADS_PER_NODE * load * nodeCount }, (_, number) =>
        placeStep(number, pick(COUNTS, random), {
          kind: "service",
          cpuMillis: 250 * (1 + random.below(16)),
          memoryMiB: 512 * (1 + random.below(32)),
          constraints: Array.from({ length: 1 + random.below(3) }, () => pick(WHERE, random)),
        }),
      ),
    };
  },
};
