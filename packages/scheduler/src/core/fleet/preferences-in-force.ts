import type { WorkloadId } from "@berth/protocol";
import type { PlacementRequest } from "../place/placement-request.ts";
import {
  affinityPoints,
  localityPoints,
  mostNearMiB,
  REPLICA_POINTS,
  spreadPoints,
} from "../place/preference-points.ts";
import { FORBIDDEN, type Preference } from "./fleet-request.ts";
import type { AttributeColumn, NodeAttributes } from "./node-attributes.ts";
import { attributeColumn, type NodeMasks } from "./node-masks.ts";

/** Where a workload's allocations are, and those of others that it must be beside. */
export interface Whereabouts {
  /** How many of its own each slot's node has. */
  readonly own: ReadonlyMap<number, number>;
  /** Slots on which something of the workload lives. */
  slotsOf(workload: WorkloadId): Iterable<number>;
}

/** A preference that moves with what is placed. */
interface Moving extends Preference {
  readonly points: Int32Array;
  pointsMax: number;
  /** One more of the workload is in the slot. */
  add(slot: number): void;
}

/** A request's rules as points for nodes, kept current while its allocations are placed. */
export class PreferencesInForce {
  readonly all: Preference[] = [];
  /** Whether one more on a node can forbid other nodes. */
  readonly forbidsOthers: boolean;
  readonly #moving: Moving[] = [];

  constructor(
    request: PlacementRequest,
    attributes: NodeAttributes,
    masks: NodeMasks,
    { own, slotsOf }: Whereabouts,
  ) {
    const { affinities, locality, colocate, distinct, spread, count, kind } = request;
    if (affinities.length > 0) this.all.push(leaning(request, attributes, masks));
    if (Object.keys(locality).length > 0) this.all.push(nearness(request, attributes));
    for (const { workload, by } of colocate) {
      this.all.push(beside(attributeColumn(attributes, by), slotsOf(workload)));
    }
    if (kind === "service") this.#moving.push(apart(attributes.slots));
    for (const { by, max } of distinct) {
      const pointsOf = (there: number) => (there >= max ? FORBIDDEN : 0);
      this.#moving.push(byCount(attributeColumn(attributes, by), pointsOf));
    }
    for (const rule of spread) {
      const column = attributeColumn(attributes, rule.by);
      const pointsOf = (there: number, value: string) =>
        spreadPoints(rule, value, there, count, column.valuesInUse);
      this.#moving.push(byCount(column, pointsOf));
    }
    this.forbidsOthers = distinct.some(({ by }) => by !== "node.name" && by !== "node.id");
    this.all.push(...this.#moving);
    for (const [slot, there] of own) for (let n = 0; n < there; n += 1) this.add(slot);
  }

  /** One more of the workload is in the slot. */
  add(slot: number): void {
    for (const preference of this.#moving) preference.add(slot);
  }
}

function leaning(
  { affinities }: PlacementRequest,
  { slots }: NodeAttributes,
  masks: NodeMasks,
): Preference {
  const points = new Int32Array(slots);
  for (const { constraint, source, weight } of affinities) {
    const holds = masks.whereHolds(constraint, source);
    const more = affinityPoints(weight);
    for (let slot = 0; slot < slots; slot += 1) {
      if (holds[slot] === 1) points[slot] = (points[slot] as number) + more;
    }
  }
  return { values: null, points, pointsMax: most(points) };
}

function nearness({ locality }: PlacementRequest, attributes: NodeAttributes): Preference {
  const column = attributeColumn(attributes, "node.name");
  const points = new Int32Array(column.values.length);
  const mostMiB = mostNearMiB(locality);
  for (const [name, nearMiB] of Object.entries(locality)) {
    const number = column.numberOf(name);
    if (number !== undefined) points[number] = localityPoints(nearMiB, mostMiB);
  }
  return { values: column.numbers, points, pointsMax: most(points) };
}

function beside(column: AttributeColumn, slots: Iterable<number>): Preference {
  const points = new Int32Array(column.values.length).fill(FORBIDDEN);
  for (const slot of slots) points[column.numbers[slot] as number] = 0;
  return { values: column.numbers, points, pointsMax: 0 };
}

/** Replicas of a service are better on different nodes. */
function apart(slots: number): Moving {
  const points = new Int32Array(slots);
  return {
    values: null,
    points,
    pointsMax: 0,
    add(slot) {
      points[slot] = (points[slot] as number) + REPLICA_POINTS;
    },
  };
}

/** Points by how many of the workload a value has. */
function byCount(
  { numbers, values, nodes }: AttributeColumn,
  pointsOf: (there: number, value: string) => number,
): Moving {
  const counts = new Int32Array(values.length);
  const points = new Int32Array(values.length);
  for (const [number, value] of values.entries()) points[number] = pointsOf(0, value);
  const preference = {
    values: numbers,
    points,
    pointsMax: mostInUse(points, nodes, 0),
    add(slot: number): void {
      const number = numbers[slot] as number;
      const there = (counts[number] as number) + 1;
      counts[number] = there;
      const before = points[number] as number;
      points[number] = pointsOf(there, values[number] as string);
      // Points only fall, so that another value with as many is the end of the search.
      if (before === preference.pointsMax) preference.pointsMax = mostInUse(points, nodes, before);
    },
  };
  return preference;
}

/** The most that a value of some node has; values without nodes promise what nobody keeps. */
function mostInUse(points: Int32Array, nodes: readonly number[], enough: number): number {
  let max = FORBIDDEN;
  for (let number = 0; number < points.length && max < enough; number += 1) {
    if ((nodes[number] as number) > 0) max = Math.max(max, points[number] as number);
  }
  return max;
}

function most(points: Int32Array): number {
  return points.reduce((max, one) => Math.max(max, one), FORBIDDEN);
}
