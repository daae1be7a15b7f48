import type { WorkloadSpec } from "@berth/protocol";
import type { Scenario } from "./scenario.ts";

/** Where an allocation that found no place is. */
export const NOWHERE = -1;

/**
 * A placement engine as the benchmark drives it: nodes and allocations by number, decisions taken at
 * once. Numbers are the scenario's own: what an engine makes of them is its affair.
 */
export interface Engine {
  /** Memory for the translation between the scenario's numbers and the engine's: no part of the engine. */
  readonly translationBytes: number;
  join(node: number): void;
  /** The node is lost, with the allocations that `finish` was not called for. */
  leave(node: number): void;
  /**
   * Places as many of `count` allocations of the workload as fit, from number `first` on, each on the
   * best node as things are then, and writes their nodes to `places`, which has `NOWHERE` for the others.
   * A workload may be placed in parts: `first` then goes on where the part before ended.
   */
  place(spec: WorkloadSpec, first: number, count: number, places: Int32Array): void;
  /** The allocation, which lives on the node, ends. */
  finish(allocation: number, node: number): void;
}

/** Makes an engine that knows the scenario's nodes, none of which has joined. */
export type EngineFactory = (scenario: Scenario) => Engine;
