import { fileURLToPath } from "node:url";
import { createRandom, type Random } from "../../random.ts";
import {
  GPU_MILLIS,
  readNodes,
  readTasks,
  type TaskClass,
  type TaskList,
  type TraceNode,
} from "../trace.ts";

export function dataPath(name: string): string {
  return fileURLToPath(new URL(`../data/${name}`, import.meta.url));
}

/** The benchmark's own cluster and list. */
export function openb(): { nodes: TraceNode[]; list: TaskList } {
  return {
    nodes: readNodes(dataPath("openb_node_list_gpu_node.csv")),
    list: readTasks(dataPath("openb_pod_list_default.csv.gz")),
  };
}

export function aNode(parts: Partial<TraceNode> = {}): TraceNode {
  return { name: "n", cpuMillis: 96_000, memoryMiB: 393_216, gpuCount: 8, model: "G2", ...parts };
}

export function aTask(parts: Partial<TaskClass> = {}): TaskClass {
  return {
    cpuMillis: 8_000,
    memoryMiB: 32_768,
    gpuCount: 1,
    gpuMillis: GPU_MILLIS,
    models: [],
    ...parts,
  };
}

/** A small cluster and list with everything the format allows: shares, several GPUs, models, no GPU. */
export function randomCase(seed: number): { nodes: TraceNode[]; list: TaskList } {
  const random = createRandom(seed);
  const models = ["A", "B", "C"];
  const nodes = Array.from({ length: 2 + random.below(10) }, (_, index) =>
    aNode({
      name: `n${index}`,
      cpuMillis: 4_000 + random.below(60_000),
      memoryMiB: 16_384 + random.below(200_000),
      gpuCount: random.below(9),
      model: pick(models, random),
    }),
  );
  const classes = Array.from({ length: 2 + random.below(8) }, () => {
    const kind = random.below(4);
    const gpuCount = kind === 0 ? 0 : kind === 1 ? 1 + random.below(4) : 1;
    const gpuMillis = gpuCount === 0 ? 0 : kind < 2 ? GPU_MILLIS : 10 * (1 + random.below(99));
    return aTask({
      cpuMillis: random.below(16_000),
      memoryMiB: random.below(60_000),
      gpuCount,
      gpuMillis,
      models: gpuCount > 0 && random.below(4) === 0 ? [pick(models, random)] : [],
    });
  });
  const tasks = Array.from({ length: 60 }, () => random.below(classes.length));
  return { nodes, list: { classes, tasks } };
}

function pick(items: readonly string[], random: Random): string {
  return items[random.below(items.length)] ?? "";
}
