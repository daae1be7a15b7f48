import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { act, buildCluster, scenario } from "../../../test/scenario.ts";
import { checkInvariants } from "../testing/check-invariants.ts";
import { applyEntry } from "./apply-entry.ts";
import type { ClusterState } from "./cluster-state.ts";
import { forkState } from "./fork-state.ts";
import { stateHash } from "./state-hash.ts";

/** Of what a fork takes along: answers to writes stay behind. */
function comparable(state: ClusterState): string {
  return stateHash(forkState(state));
}

describe("a fork of a state", () => {
  test("is as it was, whatever becomes of the state it was taken from", () => {
    fc.assert(
      fc.property(scenario, fc.nat(40), ({ nodes, actions }, at) => {
        const cluster = buildCluster(nodes);
        for (const one of actions.slice(0, at)) act(cluster, one);
        const fork = forkState(cluster.state);
        const before = stateHash(fork);
        for (const one of actions.slice(at)) act(cluster, one);
        expect(stateHash(fork)).toBe(before);
        checkInvariants(fork);
      }),
      { numRuns: 100 },
    );
  });

  test("folds what follows to the same state, and leaves the other as it is", () => {
    fc.assert(
      fc.property(scenario, fc.nat(40), ({ nodes, actions }, at) => {
        const cluster = buildCluster(nodes);
        for (const one of actions.slice(0, at)) act(cluster, one);
        const fork = forkState(cluster.state);
        const from = cluster.log.length;
        for (const one of actions.slice(at)) act(cluster, one);
        const hash = stateHash(cluster.state);
        for (const [i, entry] of cluster.log.slice(from).entries()) {
          applyEntry(fork, from + i + 1, entry);
        }
        expect(comparable(fork)).toBe(comparable(cluster.state));
        expect(stateHash(cluster.state)).toBe(hash);
      }),
      { numRuns: 100 },
    );
  });
});
