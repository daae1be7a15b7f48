import type { WorkloadSpec } from "@berth/protocol";
import { fitsOf, grantOn, type NodeRecord, valueOf } from "@berth/scheduler/placement";
import { Board, type PlacedWorkload } from "./board.ts";
import { type Engine, type EngineFactory, NOWHERE } from "./engine.ts";
import { bestNode, type Scoring, scoringOf } from "./plain-choice.ts";

/** Plain loops: every node anew for every allocation, nothing remembered. What others must agree with. */
export const plainEngine: EngineFactory = (scenario): Engine => {
  const board = new Board(scenario.nodes);
  const scoring = scoringOf(scenario);
  return {
    translationBytes: 0,
    join: (node) => board.join(node),
    leave: (node) => board.leave(node),
    finish: (allocation, node) => board.release(allocation, node),
    place(spec, first, count, places) {
      const part = { board, scoring, first, count, places };
      const nodes = [...board.state.nodes.values()];
      if (spec.placement?.gang === undefined) placeAmong(nodes, board.workload(spec), part);
      else placeGang(nodes, spec, part);
    },
  };
};

/** Allocations to place, and where to write it down. */
interface Part {
  readonly board: Board;
  readonly scoring: Scoring;
  readonly first: number;
  readonly count: number;
  readonly places: Int32Array;
}

/** Returns how many were placed. */
function placeAmong(
  nodes: readonly NodeRecord[],
  workload: PlacedWorkload,
  { board, scoring, first, count, places }: Part,
): number {
  const { request, surroundings } = workload;
  const context = scoring.contextOf(board.state, surroundings);
  for (let allocation = first; allocation < first + count; allocation += 1) {
    const node = bestNode(nodes, workload, context);
    if (node === null) return allocation - first;
    const granted = grantOn(request, node, node.usage, allocation, context.prices.leftover);
    board.take(allocation, node, granted);
    surroundings.add(node);
    places[allocation] = board.numberOf(node);
  }
  return count;
}

/** All of them or none; within a domain in that which has least room beyond them, first. */
function placeGang(nodes: readonly NodeRecord[], spec: WorkloadSpec, part: Part): void {
  const { board, first, count, places } = part;
  const within = spec.placement?.gang?.within ?? null;
  for (const among of within === null ? [nodes] : domainsOf(nodes, spec, within, part)) {
    const placed = placeAmong(among, board.newWorkload(spec), part);
    if (placed === count) return;
    for (let allocation = first; allocation < first + placed; allocation += 1) {
      board.release(allocation, places[allocation] ?? NOWHERE);
      places[allocation] = NOWHERE;
    }
  }
}

function domainsOf(
  nodes: readonly NodeRecord[],
  spec: WorkloadSpec,
  within: string,
  { board, count }: Part,
): NodeRecord[][] {
  const { request } = board.workload(spec);
  return [...new Set(nodes.map((node) => valueOf(node, within)))]
    .filter((value) => value !== "")
    .sort()
    .map((value) => {
      const there = nodes.filter((node) => valueOf(node, within) === value);
      const fits = there.reduce((sum, node) => sum + fitsOf(request, node, node.usage), 0);
      return { there, fits };
    })
    .filter(({ fits }) => fits >= count)
    .sort((a, b) => a.fits - b.fits)
    .map(({ there }) => there);
}
