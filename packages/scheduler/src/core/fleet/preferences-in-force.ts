import type { Distinct, Spread, WorkloadId } from "@berth/protocol";
import type { PlacementRequest } from "../place/placement-request.ts";
import {
  affinityPoints,
  localityPoints,
  mostNearMiB,
  REPLICA_POINTS,
  spreadPoints,
} from "../place/preference-points.ts";
import { FORBIDDEN, Preference } from "./fleet-request.ts";
import type { AttributeColumn, NodeAttributes } from "./node-attributes.ts";
import { attributeColumn, type NodeMasks } from "./node-masks.ts";
import { hasSlot } from "./slot-bits.ts";
import { Zeros } from "./zeros.ts";

/** Where a workload's allocations are, and those of others that it must be beside. */
export interface Whereabouts {
  /** How many of its own each slot's node has. */
  readonly own: ReadonlyMap<number, number>;
  /** Slots on which something of the workload lives. */
  slotsOf(workload: WorkloadId): Iterable<number>;
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
    if (kind === "service") this.#moving.push(apart(attributes));
    for (const rule of distinct) this.#moving.push(limited(rule, attributes));
    for (const rule of spread) this.#moving.push(spreading(rule, count, attributes));
    this.forbidsOthers = distinct.some(({ by }) => by !== "node.name" && by !== "node.id");
    for (const { preference } of this.#moving) this.all.push(preference);
    for (const [slot, there] of own) for (let n = 0; n < there; n += 1) this.add(slot);
  }

  /** One more of the workload is in the slot. */
  add(slot: number): void {
    for (const moving of this.#moving) moving.add(slot);
  }

  /** Nobody asks any more: what was borrowed is given back. Who never does only costs memory. */
  close(): void {
    for (const moving of this.#moving) moving.close();
    this.#moving.length = 0;
  }
}

function leaning(
  { affinities }: PlacementRequest,
  attributes: NodeAttributes,
  masks: NodeMasks,
): Preference {
  const points = new Int32Array(attributes.slots);
  for (const { constraint, source, weight } of affinities) {
    const holds = masks.whereHolds(constraint, source);
    const more = affinityPoints(weight);
    for (let slot = 0; slot < points.length; slot += 1) {
      if (hasSlot(holds, slot)) points[slot] = (points[slot] as number) + more;
    }
  }
  return new Preference(attributes.slotNumbers, points, most(points));
}

function nearness({ locality }: PlacementRequest, attributes: NodeAttributes): Preference {
  const column = attributeColumn(attributes, "node.name");
  const points = new Int32Array(column.values.length);
  const mostMiB = mostNearMiB(locality);
  for (const [name, nearMiB] of Object.entries(locality)) {
    const number = column.numberOf(name);
    if (number !== undefined) points[number] = localityPoints(nearMiB, mostMiB);
  }
  return new Preference(column.numbers, points, most(points));
}

function beside(column: AttributeColumn, slots: Iterable<number>): Preference {
  const points = new Int32Array(column.values.length).fill(FORBIDDEN);
  for (const slot of slots) points[column.numbers[slot] as number] = 0;
  return new Preference(column.numbers, points, 0);
}

/** Replicas of a service are better on different nodes. */
function apart(attributes: NodeAttributes): Moving {
  const { slotNumbers, slots, zeros } = attributes;
  const preference = new Preference(slotNumbers, zeros.borrow(slots), 0);
  return new Moving(preference, (there) => REPLICA_POINTS * there, zeros);
}

function limited({ by, max }: Distinct, attributes: NodeAttributes): Moving {
  const { numbers, values } = attributeColumn(attributes, by);
  const { zeros } = attributes;
  const preference = new Preference(numbers, zeros.borrow(values.length), 0);
  return new Moving(preference, (there) => (there >= max ? FORBIDDEN : 0), zeros);
}

function spreading(rule: Spread, count: number, attributes: NodeAttributes): Moving {
  const column = attributeColumn(attributes, rule.by);
  const { numbers, values, valuesInUse } = column;
  const pointsOf = (there: number, value: string) =>
    spreadPoints(rule, value, there, count, valuesInUse);
  const points = new Int32Array(values.length);
  // Where nothing is yet, values without a target of their own are all alike.
  const other = values.findIndex((value) => !Object.hasOwn(rule.targets, value));
  if (other >= 0) points.fill(pointsOf(0, values[other] as string));
  for (const value of Object.keys(rule.targets)) {
    const number = column.numberOf(value);
    if (number !== undefined) points[number] = pointsOf(0, value);
  }
  const preference = new Preference(numbers, points, 0);
  return new Moving(
    preference,
    (there, number) => pointsOf(there, values[number] as string),
    column,
  );
}

/** A preference that falls where more of the workload is placed. */
class Moving {
  readonly preference: Preference;
  readonly #pointsOf: (there: number, number: number) => number;
  /** Where its maximum is kept as low as it is. */
  readonly #column: AttributeColumn | null;
  /** Whom its points were borrowed from. */
  readonly #zeros: Zeros | null;
  readonly #counts = new Map<number, number>();

  constructor(
    preference: Preference,
    pointsOf: (there: number, number: number) => number,
    from: AttributeColumn | Zeros,
  ) {
    this.preference = preference;
    this.#pointsOf = pointsOf;
    const column = from instanceof Zeros ? null : from;
    this.#column = column;
    this.#zeros = from instanceof Zeros ? from : null;
    if (column) preference.pointsMax = mostInUse(preference.points, column.nodes, 0);
  }

  add(slot: number): void {
    const { values, points, pointsMax } = this.preference;
    const number = values[slot] as number;
    const there = (this.#counts.get(number) ?? 0) + 1;
    this.#counts.set(number, there);
    const before = points[number] as number;
    points[number] = this.#pointsOf(there, number);
    // Points only fall, so that another value with as many is the end of the search.
    if (this.#column === null || before !== pointsMax) return;
    this.preference.pointsMax = mostInUse(points, this.#column.nodes, before);
  }

  close(): void {
    if (this.#zeros === null) return;
    const { points } = this.preference;
    for (const number of this.#counts.keys()) points[number] = 0;
    this.#zeros.giveBack(points);
  }
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
