import type { WorkloadSpec } from "@berth/protocol";
import {
  grantOn,
  type NodeRecord,
  PlacementEngine,
  placementRequest,
  roomOf,
  type Seat,
  SeatSearch,
  Victims,
} from "@berth/scheduler/placement";
import type { Engine, EngineFactory } from "./engine.ts";
import { pricesOf } from "./scenario-prices.ts";
import { Tenancy } from "./tenancy.ts";

/**
 * The scheduler's engine on a cluster's state: what fits nowhere makes room for itself by the cheapest
 * evictions. Work that asks for a gang gets all its places or none.
 */
export const preemptingEngine: EngineFactory = (scenario): Engine => {
  const tenancy = new Tenancy(scenario.nodes);
  const prices = pricesOf(scenario);
  const engine = new PlacementEngine(prices);
  const { leftover } = engine.fleet.prices;
  const { state } = tenancy;
  const follow = (node: NodeRecord) => engine.setNode(node.description, roomOf(node, node.usage));

  /** On free room; returns how many. */
  function placeFree(spec: WorkloadSpec, first: number, count: number, places: Int32Array): number {
    const request = placementRequest(spec);
    const compiled = engine.compile(request, [], null);
    for (let placed = 0; placed < count; placed += 1) {
      const slot = engine.search.find(compiled);
      const node = slot < 0 ? undefined : state.nodes.get(engine.fleet.idAt(slot));
      if (node === undefined) return placed;
      const granted = grantOn(request, node, node.usage, first + placed, leftover);
      tenancy.start(first + placed, spec, node, granted);
      places[first + placed] = tenancy.numberOf(node);
      follow(node);
    }
    return count;
  }

  function seat(spec: WorkloadSpec, first: number, count: number, places: Int32Array): void {
    const { nowUnixMs } = tenancy;
    const scene = { state, nowUnixMs, isStopping: () => false };
    const search = new SeatSearch({
      request: placementRequest(spec),
      nodes: state.nodes.values(),
      victims: new Victims(scene, spec),
      usageThen: ({ usage }) => usage,
      surroundings: null,
    });
    const seats: Seat[] = [];
    while (seats.length < count) {
      const found = search.next(first + seats.length);
      if (found === null) break;
      seats.push(found);
    }
    if (spec.placement?.gang && seats.length < count) return;
    for (const [at, { node, granted, units }] of seats.entries()) {
      const victims = units.flatMap((unit) => unit.victims);
      tenancy.evict(victims, places);
      tenancy.start(first + at, spec, node, granted);
      places[first + at] = tenancy.numberOf(node);
      for (const one of new Set([node, ...victims.map((victim) => victim.node)])) follow(one);
    }
  }

  return {
    translationBytes: 0,
    join: (number) => void follow(tenancy.join(number)),
    leave: (number) => notPlayed(`node ${number} leaves`),
    finish: (allocation) => notPlayed(`allocation ${allocation} ends`),
    place(spec, first, count, places) {
      tenancy.submit(spec);
      const isGang = spec.placement?.gang !== undefined;
      const placed = isGang ? 0 : placeFree(spec, first, count, places);
      if (placed < count) seat(spec, first + placed, count - placed, places);
    },
  };
};

function notPlayed(step: string): never {
  throw new RangeError(`not part of a cluster that is full: ${step}`);
}
