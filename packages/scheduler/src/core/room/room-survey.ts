import {
  type Grant,
  type Headroom,
  headroomDimensions,
  type NodeId,
  WHOLE_GPU_MILLIS,
} from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { allocatable } from "../place/check-node.ts";
import { freeShareMillis, healthyGpus } from "../place/gpus.ts";
import { isOpen, type NodeRecord } from "../state/cluster-state.ts";
import { type NodeUsage, unused } from "../state/node-usage.ts";
import { cpuOf, fitsOf } from "./fits.ts";
import type { RequestClass } from "./request-classes.ts";

/** What one node has free, and what of it demand can use; by position in `headroomDimensions`. */
export interface NodeRoom {
  readonly capacity: readonly number[];
  readonly free: readonly number[];
  /** What each request would leave over, times the request's weight, summed over the requests. */
  readonly leftOver: readonly number[];
  /** How many of each request fit, by its position. */
  readonly fits: readonly number[];
}

const NOTHING = headroomDimensions.map(() => 0);
const IDLE: NodeUsage = unused();
/** Of all weights of one dimension together, about. */
const WEIGHT_SUM = 1_000;
/** What is stranded, over all dimensions, in units of 1/STRANDED_UNITS of the cluster's capacity. */
const STRANDED_UNITS = 1e15;
const BILLIONTHS = 1e9;

/** What every node takes and has; of a node that takes no work nothing. */
export function capacityOf(node: NodeRecord, usage: NodeUsage = IDLE): readonly number[] {
  if (!isOpen(node)) return NOTHING;
  return headroomDimensions.map((dimension) => {
    if (dimension === "cpuMillis") return cpuOf(node, usage);
    if (dimension === "gpuMillis") return gpuMillisFree(node, IDLE);
    return allocatable(node, dimension) ?? 0;
  });
}

function freeOn(node: NodeRecord, usage: NodeUsage, capacity: readonly number[]): number[] {
  return headroomDimensions.map((dimension, at) => {
    const free =
      dimension === "gpuMillis"
        ? gpuMillisFree(node, usage)
        : (capacity[at] ?? 0) - usage.granted[dimension];
    return Math.max(0, free);
  });
}

function gpuMillisFree(node: NodeRecord, usage: NodeUsage): number {
  return healthyGpus(node).reduce((sum, device) => sum + freeShareMillis(usage, device), 0);
}

/** The free room of all nodes, measured by requests that stay the same while nodes change. */
export class RoomSurvey {
  readonly classes: readonly RequestClass[];
  /** By request, then dimension: how much of the demand for the dimension the request is. */
  readonly #weights: readonly (readonly number[])[];
  readonly #rooms = new Map<NodeId, NodeRoom>();
  readonly #leftOver = [...NOTHING];
  readonly #capacity = [...NOTHING];

  constructor(classes: readonly RequestClass[]) {
    this.classes = classes;
    const sums = headroomDimensions.map((_, at) =>
      classes.reduce((sum, one) => sum + volumeOf(one, at), 0),
    );
    this.#weights = classes.map((one) =>
      sums.map((sum, at) => (sum === 0 ? 0 : Math.round((WEIGHT_SUM * volumeOf(one, at)) / sum))),
    );
  }

  /** What the node would have with this usage. Changes nothing. */
  look(node: NodeRecord, usage: NodeUsage = node.usage): NodeRoom {
    const capacity = capacityOf(node, usage);
    if (!isOpen(node))
      return { capacity, free: NOTHING, leftOver: NOTHING, fits: this.classes.map(() => 0) };
    const free = freeOn(node, usage, capacity);
    const fits = this.classes.map(({ request }) => fitsOf(request, node, usage));
    const leftOver = [...NOTHING];
    for (const [at, { amounts }] of this.classes.entries()) {
      for (const [dimension, there] of free.entries()) {
        const weight = this.#weights[at]?.[dimension] ?? 0;
        if (weight === 0) continue;
        const usable = (fits[at] ?? 0) * (amounts[dimension] ?? 0);
        leftOver[dimension] = (leftOver[dimension] ?? 0) + weight * Math.max(0, there - usable);
      }
    }
    return { capacity, free, leftOver, fits };
  }

  roomOf(id: NodeId): NodeRoom | undefined {
    return this.#rooms.get(id);
  }

  /** The node is, or has become, this. */
  set(node: NodeRecord): void {
    this.delete(node.id);
    const room = this.look(node);
    this.#rooms.set(node.id, room);
    this.#count(room, 1);
  }

  delete(id: NodeId): void {
    const room = this.#rooms.get(id);
    if (room) this.#count(room, -1);
    this.#rooms.delete(id);
  }

  /** Units of stranded room for each unit of `leftOver`, by dimension: exact integers. */
  prices(): number[] {
    return headroomDimensions.map((_, at) => {
      const whole = this.#weightSum(at) * (this.#capacity[at] ?? 0);
      return whole === 0 ? 0 : Math.floor(STRANDED_UNITS / whole);
    });
  }

  /** What is stranded over all dimensions, in units of `prices`. */
  strandedUnits(prices: readonly number[]): number {
    return unitsOf(this.#leftOver, prices);
  }

  /** What is stranded of each dimension, in its own unit. */
  stranded(): number[] {
    return this.#leftOver.map((sum, at) => {
      const weights = this.#weightSum(at);
      return weights === 0 ? 0 : Math.floor(sum / weights);
    });
  }

  headroom(): Headroom {
    const rooms = [...this.#rooms.values()];
    const stranded = this.stranded();
    const sumOf = (amount: (room: NodeRoom) => number) =>
      rooms.reduce((sum, room) => sum + amount(room), 0);
    return {
      dimensions: headroomDimensions.map((dimension, at) => ({
        dimension,
        capacity: this.#capacity[at] ?? 0,
        free: sumOf(({ free }) => free[at] ?? 0),
        largest: rooms.reduce((most, { free }) => Math.max(most, free[at] ?? 0), 0),
        stranded: stranded[at] ?? 0,
      })),
      requests: this.classes.map(({ workload, resources, wanted }, at) => ({
        workload,
        resources,
        wanted,
        fits: sumOf(({ fits }) => fits[at] ?? 0),
      })),
    };
  }

  /** What a grant is of the cluster, in units of `prices`, as if no request could use any of it. */
  unitsOfGrant(granted: Grant, prices: readonly number[]): number {
    const amounts = headroomDimensions.map((dimension, at) => {
      const amount =
        dimension === "gpuMillis"
          ? granted.gpuUuids.length * (granted.gpuShareMillis ?? WHOLE_GPU_MILLIS)
          : granted[dimension];
      return amount * this.#weightSum(at);
    });
    return unitsOf(amounts, prices);
  }

  #weightSum(dimension: number): number {
    return this.#weights.reduce((sum, weights) => sum + (weights[dimension] ?? 0), 0);
  }

  #count({ leftOver, capacity }: NodeRoom, sign: 1 | -1): void {
    for (const at of headroomDimensions.keys()) {
      this.#leftOver[at] = (this.#leftOver[at] ?? 0) + sign * (leftOver[at] ?? 0);
      this.#capacity[at] = (this.#capacity[at] ?? 0) + sign * (capacity[at] ?? 0);
    }
  }
}

export function unitsOf(leftOver: readonly number[], prices: readonly number[]): number {
  const units = leftOver.reduce((sum, amount, at) => sum + amount * (prices[at] ?? 0), 0);
  assert(Number.isSafeInteger(units), "what is stranded stays exact");
  return units;
}

/** Units as billionths of the cluster, for people. */
export function billionthsOf(units: number): number {
  return Math.round((units * BILLIONTHS) / STRANDED_UNITS);
}

function volumeOf({ wanted, amounts }: RequestClass, dimension: number): number {
  return wanted * (amounts[dimension] ?? 0);
}
