import { type AllocationId, allocationId } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { desiredAllocation, desiredSet } from "../../test/support/desired-allocation.ts";
import { type Action, type Phase, reconcile } from "./reconcile.ts";

const PHASES: readonly Phase[] = ["prepared", "starting", "running", "stopping", "finished"];

function observe(phases: Readonly<Record<string, Phase>>): Map<AllocationId, Phase> {
  return new Map(Object.entries(phases) as [AllocationId, Phase][]);
}
const a = (number: number) => desiredAllocation({ id: `a${number}` });
const idOf = (action: Action) =>
  action.kind === "start" ? action.allocation.allocationId : action.allocationId;

describe("reconcile", () => {
  test("does nothing while it is unknown what is desired", () => {
    expect(reconcile(null, observe({ a1: "running", a2: "prepared" }), 10)).toEqual([]);
  });

  test("starts what is missing, oldest first, and no more at once than it may", () => {
    const actions = reconcile(desiredSet(a(10), a(9), a(2), a(1)), observe({ a1: "starting" }), 3);
    expect(actions.map((action) => [action.kind, idOf(action)])).toEqual([
      ["start", "a2"],
      ["start", "a9"],
    ]);
  });

  test("stops what is not desired unless that is already under way (invariant 5)", () => {
    const observed = observe({ a1: "running", a2: "stopping", a3: "finished", a4: "prepared" });
    const actions = reconcile(desiredSet(), observed, 10);
    expect(actions.map((action) => [action.kind, idOf(action)])).toEqual([
      ["stop", "a1"],
      ["stop", "a4"],
    ]);
  });

  test("never stops what is desired, never starts what has finished, and settles", () => {
    const anyPhases = fc.uniqueArray(
      fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom(...PHASES)),
      { selector: ([number]) => number },
    );
    const anyDesired = fc.uniqueArray(fc.integer({ min: 1, max: 12 }));
    fc.assert(
      fc.property(anyPhases, anyDesired, fc.integer({ min: 1, max: 4 }), (phases, wanted, max) => {
        const desired = desiredSet(...wanted.map(a));
        const observed = new Map(phases.map(([number, phase]) => [allocationId(number), phase]));
        for (let round = 0; round < 40; round += 1) {
          const actions = reconcile(desired, observed, max);
          for (const action of actions) {
            const isDesired = desired.has(idOf(action));
            expect(action.kind === "start").toBe(isDesired);
            expect(observed.get(idOf(action))).not.toBe("finished");
            observed.set(idOf(action), action.kind === "start" ? "starting" : "stopping");
          }
          const starting = [...observed.values()].filter((phase) => phase === "starting");
          const before = phases.filter(([, phase]) => phase === "starting").length;
          expect(starting.length).toBeLessThanOrEqual(Math.max(max, before));
          for (const [id, phase] of observed) {
            if (phase === "starting") observed.set(id, "running");
            if (phase === "stopping") observed.set(id, "finished");
          }
        }
        expect(reconcile(desired, observed, max)).toEqual([]);
        for (const id of desired.keys()) expect(observed.has(id)).toBe(true);
      }),
    );
  });
});
