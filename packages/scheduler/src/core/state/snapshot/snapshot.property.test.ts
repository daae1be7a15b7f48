import type { LogEntry } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate } from "../../evaluate/evaluate.ts";
import { act, buildCluster, scenario } from "../../../../test/scenario.ts";
import { checkInvariants } from "../../testing/check-invariants.ts";
import { applyEntry } from "../apply-entry.ts";
import { type ClusterState, createState } from "../cluster-state.ts";
import { eventsAfter } from "../event-ring.ts";
import { stateHash } from "../state-hash.ts";
import { decodeState } from "./decode-state.ts";
import { encodeState } from "./encode-state.ts";

function fold(state: ClusterState, log: readonly LogEntry[], from: number, to = log.length) {
  for (let seq = from + 1; seq <= to; seq += 1) {
    const entry = log[seq - 1];
    if (entry) applyEntry(state, seq, entry);
  }
  return state;
}

describe("a state that was written and read", () => {
  test("[INV4] after any entry, is as if it had been folded all along", () => {
    fc.assert(
      fc.property(scenario, fc.nat(), ({ nodes, actions }, pick) => {
        const cluster = buildCluster(nodes);
        for (const one of actions) {
          act(cluster, one);
          cluster.settle();
        }
        const { log, nowUnixMs } = cluster;
        const at = pick % (log.length + 1);
        const folded = fold(createState(), log, 0, at);
        const restored = decodeState(encodeState(folded));
        checkInvariants(restored);
        expect(stateHash(restored)).toBe(stateHash(folded));
        expect(evaluate(restored, nowUnixMs)).toEqual(evaluate(folded, nowUnixMs));

        fold(restored, log, at);
        fold(folded, log, at);
        checkInvariants(restored);
        expect(stateHash(restored)).toBe(stateHash(cluster.state));
        expect(eventsAfter(restored.events, 0)).toEqual(eventsAfter(cluster.state.events, 0));
        expect([...restored.explanations]).toEqual([...cluster.state.explanations]);
        expect(evaluate(restored, nowUnixMs)).toEqual(evaluate(folded, nowUnixMs));
      }),
      { numRuns: 200 },
    );
  });
});
