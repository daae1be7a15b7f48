import type { Cluster, Request } from "./cluster.ts";
import type { Random } from "../random.ts";

/** How one node would take one request. */
export interface Offer {
  /** Higher is better; any integer of 32 bits but {@link CANNOT}. */
  score: number;
  /** The GPU that would carry a share; of no meaning for other requests. */
  gpu: number;
}

/** The score of a node that cannot take the request. */
export const CANNOT = -0x8000_0000;

/**
 * Decides where tasks go. `offer` must depend only on the free resources of that one node, on the
 * class and on what `observe` last announced, so that offers of untouched nodes may be remembered.
 */
export interface Policy {
  /** Writes the best way for `node` to take a task of class `task` to `into`; `node` can take it. */
  offer(node: number, task: number, into: Offer): void;
  /** Told of every arrival before it is placed. True when all offers made so far are void. */
  observe?(task: number): boolean;
  /** Told of every node that took a task. */
  granted?(node: number): void;
  /** Among equal scores: the first node in (shuffled) order, or any with equal chance. */
  readonly ties: "first" | "any";
}

/** What a policy may know before the first arrival. */
export interface Situation {
  readonly cluster: Cluster;
  readonly requests: readonly Request[];
  /** How many tasks of each class the list holds: the demand histogram. */
  readonly histogram: readonly number[];
  /** Randomness of the policy's own, independent of the arrivals. */
  readonly random: Random;
}

export type PolicyFactory = (situation: Situation) => Policy;
