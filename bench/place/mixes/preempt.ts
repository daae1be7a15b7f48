import { createNodes, gpuShapes } from "../node-shapes.ts";
import type { Mix, Step } from "../scenario.ts";
import { pick, placeStep, type Wanted } from "../workload.ts";

const LOW_PRIORITIES = [5, 10, 25, 40];
const HIGH_PRIORITY = 70;
/** Allocations of one of the workloads that fill the cluster. */
const TASKS_PER_WORKLOAD = 8;
/** How many jobs push others out, whatever the cluster's size; the first is a gang of 512 GPUs. */
const JOBS = 3;
const LARGEST = 64;
const DEVICES = [1, 2, 4, 8];

/** A cluster full of less important work, and jobs that make room for themselves. */
export const preempt: Mix = {
  name: "preempt",
  needs: "preemption",
  about: "a gang of 512 GPUs and jobs of up to eight on a cluster full of less important work",
  create(nodeCount, random, load) {
    const nodes = createNodes(nodeCount, gpuShapes);
    let gpus = nodes.reduce((sum, { hardware }) => sum + hardware.gpus.length, 0);
    const before: Step[] = [];
    while (gpus > 0) {
      const count = pick(DEVICES.slice(1), random);
      const priority = pick(LOW_PRIORITIES, random);
      before.push(placeStep(before.length, TASKS_PER_WORKLOAD, wantedOf(count, priority)));
      gpus -= TASKS_PER_WORKLOAD * count;
    }
    // What is left over between the others is filled too.
    before.push(placeStep(before.length, 2 * nodeCount, wantedOf(1, 5)));
    const members = Math.min(LARGEST, Math.ceil(nodeCount / 8));
    const gang = { ...wantedOf(8, HIGH_PRIORITY), placement: { gang: { within: null } } };
    const steps = [placeStep(before.length, members, gang)];
    while (steps.length < JOBS * load) {
      const wanted = wantedOf(pick(DEVICES, random), HIGH_PRIORITY);
      steps.push(placeStep(before.length + steps.length, 1, wanted));
    }
    return { nodes, nodesAtStart: nodeCount, before, steps };
  },
};

function wantedOf(count: number, priority: number): Wanted {
  return { cpuMillis: count * 8_000, memoryMiB: count * 32_768, gpu: { count }, priority };
}
