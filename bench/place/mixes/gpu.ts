import type { GpuRequest } from "@berth/protocol";
import type { Random } from "../../random.ts";
import { createNodes, gpuShapes } from "../node-shapes.ts";
import type { Mix } from "../scenario.ts";
import { pick, placeStep } from "../workload.ts";

const WORKLOADS_PER_NODE = 4;
const COUNTS = [1, 1, 1, 2, 4];
const SHARES_MILLIS = [100, 250, 330, 460, 500, 810];
const DEVICES = [1, 1, 1, 2, 4, 8];
const MODELS = [["h100"], ["a100"], ["l4"], ["h100", "a100"]];

/** Shares of GPUs, whole ones and many, for any model or some, and work without beside them. */
export const gpu: Mix = {
  name: "gpu",
  about: "shares of GPUs, one to eight whole ones, and work without",
  create(nodeCount, random, load) {
    return {
      nodes: createNodes(nodeCount, gpuShapes),
      nodesAtStart: nodeCount,
      before: [],
      steps: Array.from({ length: WORKLOADS_PER_NODE * load * nodeCount }, (_, number) => {
        const wanted = drawGpus(random);
        const gpus =
          wanted === null ? 0.25 : ((wanted.shareMillis ?? 1_000) / 1_000) * wanted.count;
        const cores = Math.max(1, Math.round(gpus * (4 + random.below(16))));
        return placeStep(number, pick(COUNTS, random), {
          cpuMillis: cores * 1_000,
          memoryMiB: cores * 1_024 * (2 + random.below(7)),
          ...(wanted === null ? {} : { gpu: wanted }),
        });
      }),
    };
  },
};

function drawGpus(random: Random): GpuRequest | null {
  const models = random.below(5) === 0 ? pick(MODELS, random) : [];
  const any = { models: [...models], memoryMiB: 0 };
  const kind = random.below(10);
  if (kind < 2) return null;
  if (kind < 6) return { ...any, count: 1, shareMillis: pick(SHARES_MILLIS, random) };
  return { ...any, count: pick(DEVICES, random) };
}
