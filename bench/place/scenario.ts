import type { NodeDescription, WorkloadSpec } from "@berth/protocol";
import type { Random } from "../random.ts";

/** What happens to a cluster, step by step: the same for every engine that plays it. */
export interface Scenario {
  /** Every node there ever is; steps name them by position. */
  readonly nodes: readonly NodeDescription[];
  /** How many of them, the first ones, are there from the beginning. */
  readonly nodesAtStart: number;
  /** Played before anything is measured: what the cluster runs already. */
  readonly before: readonly Step[];
  readonly steps: readonly Step[];
}

export type Step =
  | PlaceStep
  /** The n-th allocation that was asked for, from 0, ends; nothing when it has no place. */
  | { readonly kind: "finish"; readonly allocation: number }
  /** A node is lost with what runs on it. */
  | { readonly kind: "leave"; readonly node: number }
  | { readonly kind: "join"; readonly node: number };

/** A workload of `count` allocations arrives; those that fit nowhere are dropped. */
export interface PlaceStep {
  readonly kind: "place";
  readonly spec: WorkloadSpec;
  readonly count: number;
}

/** A kind of cluster and work that the benchmark measures. */
export interface Mix {
  readonly name: string;
  /** What an engine must do beyond placing what fits. */
  readonly needs?: "preemption";
  /** One line for the usage text and the document. */
  readonly about: string;
  /** The same for the same size and randomness; `load` times the work that is measured. */
  create(nodeCount: number, random: Random, load: number): Scenario;
}

/** Allocations that the steps ask for. */
export function placementsWanted(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + (step.kind === "place" ? step.count : 0), 0);
}
