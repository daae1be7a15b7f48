import {
  byCodeUnit,
  type ClusterState,
  firstLack,
  type GpuKind,
  type LiveSurroundings,
  type NodeRecord,
  type ScoreContext,
  scoreNode,
  stockPrices,
  valueOf,
} from "@berth/scheduler/placement";
import type { Prices } from "@berth/scheduler/price";
import type { PlacedWorkload } from "./board.ts";
import { pricesOf } from "./scenario-prices.ts";
import type { Scenario } from "./scenario.ts";

/** What nodes are scored by in a scenario. */
export interface Scoring {
  contextOf(state: ClusterState, surroundings: LiveSurroundings): ScoreContext;
}

export function scoringOf(scenario: Scenario): Scoring {
  const prices = pricesOf(scenario);
  const premiumOf = premiumsOf(scenario, prices);
  return {
    contextOf: ({ nodes }, surroundings) => ({
      prices: stockPrices(prices),
      premiumOf,
      ownAt: (path, value) => surroundings.ownAt(path, value),
      valuesOf: (path) => new Set([...nodes.values()].map((node) => valueOf(node, path))).size,
    }),
  };
}

/** Of the nodes on which one more fits, the one that scores most; of equals the first by id. */
export function bestNode(
  nodes: Iterable<NodeRecord>,
  { request, surroundings }: PlacedWorkload,
  context: ScoreContext,
): NodeRecord | null {
  let best: NodeRecord | null = null;
  let bestTotal = -Infinity;
  for (const node of nodes) {
    if (firstLack(request, node, node.usage, surroundings)) continue;
    const { total } = scoreNode(request, node, node.usage, context);
    if (total < bestTotal) continue;
    if (total === bestTotal && best !== null && byCodeUnit(best.id, node.id) < 0) continue;
    best = node;
    bestTotal = total;
  }
  return best;
}

/** Kinds of GPU are numbered in the order in which nodes bring them. */
function premiumsOf({ nodes }: Scenario, { premiums }: Prices): (kind: GpuKind) => number {
  const keyOf = ({ model, memoryMiB }: GpuKind): string => `${memoryMiB} ${model}`;
  const kinds = new Set(nodes.flatMap(({ hardware }) => hardware.gpus.map(keyOf)));
  const numbers = new Map([...kinds].map((key, number) => [key, number]));
  return (kind) => premiums[numbers.get(keyOf(kind)) ?? -1] ?? 0;
}
