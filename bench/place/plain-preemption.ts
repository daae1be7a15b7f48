import type { WorkloadSpec } from "@berth/protocol";
import {
  addCosts,
  addGrant,
  byCodeUnit,
  compareCosts,
  copyUsage,
  type EvictionCost,
  firstLack,
  grantOn,
  LiveSurroundings,
  NO_COST,
  type NodeRecord,
  placementRequest,
  type PlacementRequest,
  subtractGrant,
  type UsageAccount,
  type VictimUnit,
  Victims,
} from "@berth/scheduler/placement";
import type { Engine, EngineFactory } from "./engine.ts";
import { bestNode, scoringOf } from "./plain-choice.ts";
import { Tenancy } from "./tenancy.ts";

interface Eviction {
  readonly node: NodeRecord;
  readonly units: readonly VictimUnit[];
  readonly cost: EvictionCost;
}

/** Plain loops for preemption: every set of victims on every node. */
export const plainPreemption: EngineFactory = (scenario): Engine => {
  const tenancy = new Tenancy(scenario.nodes);
  const scoring = scoringOf(scenario);
  const { state } = tenancy;

  function placeFree(spec: WorkloadSpec, first: number, count: number, places: Int32Array): number {
    const request = placementRequest(spec);
    const surroundings = new LiveSurroundings(state, request, []);
    const context = scoring.contextOf(state, surroundings);
    for (let placed = 0; placed < count; placed += 1) {
      const node = bestNode(state.nodes.values(), { request, surroundings }, context);
      if (node === null) return placed;
      const { leftover } = context.prices;
      const granted = grantOn(request, node, node.usage, first + placed, leftover);
      tenancy.start(first + placed, spec, node, granted);
      places[first + placed] = tenancy.numberOf(node);
    }
    return count;
  }

  function evict(spec: WorkloadSpec, first: number, count: number, places: Int32Array): void {
    const request = placementRequest(spec);
    const scene = { state, nowUnixMs: tenancy.nowUnixMs, isStopping: () => false };
    const victims = new Victims(scene, spec);
    const usages = new Map([...state.nodes.values()].map((node) => [node, copyUsage(node.usage)]));
    const found: Eviction[] = [];
    while (found.length < count) {
      const best = cheapest(request, usages, victims);
      if (best === null) break;
      victims.evict(best.units);
      const usage = usages.get(best.node) ?? copyUsage(best.node.usage);
      giveBack(usage, best.units);
      addGrant(usage, grantOn(request, best.node, usage, first + found.length));
      found.push(best);
    }
    if (spec.placement?.gang && found.length < count) return;
    for (const [at, { node, units }] of found.entries()) {
      tenancy.evict(
        units.flatMap((unit) => unit.victims),
        places,
      );
      const granted = grantOn(request, node, node.usage, first + at);
      tenancy.start(first + at, spec, node, granted);
      places[first + at] = tenancy.numberOf(node);
    }
  }

  return {
    translationBytes: 0,
    join: (number) => void tenancy.join(number),
    leave: (number) => notPlayed(`node ${number} leaves`),
    finish: (allocation) => notPlayed(`allocation ${allocation} ends`),
    place(spec, first, count, places) {
      tenancy.submit(spec);
      const isGang = spec.placement?.gang !== undefined;
      const placed = isGang ? 0 : placeFree(spec, first, count, places);
      if (placed < count) evict(spec, first + placed, count - placed, places);
    },
  };
};

/** Ties go to the smaller node id, then to the set with the unit that is cheaper to evict. */
function cheapest(
  request: PlacementRequest,
  usages: ReadonlyMap<NodeRecord, UsageAccount>,
  victims: Victims,
): Eviction | null {
  let best: Eviction | null = null;
  for (const [node, usage] of usages) {
    const units = victims.on(node);
    for (let subset = 0; subset < 2 ** units.length; subset += 1) {
      const chosen = units.filter((_, at) => (subset >> at) & 1);
      const cost = chosen.reduce((sum, unit) => addCosts(sum, unit.cost), NO_COST);
      if (best !== null && !isBetter({ node, units: chosen, cost }, best, units)) continue;
      const without = copyUsage(usage);
      giveBack(without, chosen);
      if (firstLack(request, node, without) === null) best = { node, units: chosen, cost };
    }
  }
  return best;
}

function isBetter(one: Eviction, other: Eviction, units: readonly VictimUnit[]): boolean {
  const order = compareCosts(one.cost, other.cost) || byCodeUnit(one.node.id, other.node.id);
  if (order !== 0) return order < 0;
  const first = units.find((unit) => one.units.includes(unit) !== other.units.includes(unit));
  return first !== undefined && one.units.includes(first);
}

function giveBack(usage: UsageAccount, units: readonly VictimUnit[]): void {
  for (const { victims } of units) {
    for (const { granted } of victims) subtractGrant(usage, granted);
  }
}

function notPlayed(step: string): never {
  throw new RangeError(`not part of a cluster that is full: ${step}`);
}
