import type { NodeDescription } from "@berth/protocol";
import { Placer } from "@berth/scheduler/placement";
import type { Engine, EngineFactory } from "./engine.ts";
import { placementsWanted, type Scenario } from "./scenario.ts";
import { pricesOf } from "./scenario-prices.ts";

/** The scheduler's own engine, without the state, the log and the explanations around it. */
export const placementEngine: EngineFactory = (scenario): Engine => {
  const { nodes } = scenario;
  const placer = new Placer(pricesOf(scenario));
  /** Its number for each allocation, and the scenario's number for each of its slots. */
  const tasks = new Int32Array(wantedBy(scenario));
  const numbers = new Int32Array(nodes.length);
  return {
    translationBytes: tasks.byteLength + numbers.byteLength,
    join(node) {
      numbers[placer.join(descriptionOf(nodes, node))] = node;
    },
    leave: (node) => placer.leave(descriptionOf(nodes, node).nodeId),
    finish: (allocation) => placer.end(tasks[allocation] as number),
    place(spec, first, count, places) {
      const placed = placer.place(spec, count, tasks.subarray(first, first + count));
      for (let allocation = first; allocation < first + placed; allocation += 1) {
        places[allocation] = numbers[placer.slotOf(tasks[allocation] as number)] as number;
      }
    },
  };
};

function wantedBy({ before, steps }: Scenario): number {
  return placementsWanted(before) + placementsWanted(steps);
}

function descriptionOf(nodes: readonly NodeDescription[], number: number): NodeDescription {
  const description = nodes[number];
  if (description === undefined) throw new RangeError(`no node ${number}`);
  return description;
}
