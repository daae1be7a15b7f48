import { Placer } from "@berth/scheduler/placement";
import { classOf, type DemandClass, priceCluster, type Prices } from "@berth/scheduler/price";
import type { Scenario } from "./scenario.ts";

const known = new WeakMap<Scenario, Prices>();

/** Prices as a cluster learns them that runs the scenario's work; the same for every engine. */
export function pricesOf(scenario: Scenario): Prices {
  const prices = known.get(scenario) ?? learn(scenario);
  known.set(scenario, prices);
  return prices;
}

function learn({ nodes, before, steps }: Scenario): Prices {
  const survey = new Placer();
  for (const node of nodes) survey.join(node);
  const demand = [...before, ...steps].flatMap((step): DemandClass[] =>
    step.kind === "place" ? [classOf(step.spec, step.count)] : [],
  );
  return priceCluster(demand, survey.engine.capacity.current);
}
