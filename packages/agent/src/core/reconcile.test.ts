import { type AllocationId, allocationId } from "@berth/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { desiredAllocation, desiredSet } from "../../test/support/desired-allocation.ts";
import { type Action, type Observed, type Phase, reconcile } from "./reconcile.ts";

const PHASES: readonly Phase[] = ["prepared", "starting", "running", "stopping", "finished"];

function observe(phases: Readonly<Record<string, Phase>>): Map<AllocationId, Observed> {
  const entries = Object.entries(phases) as [AllocationId, Phase][];
  return new Map(entries.map(([id, phase]) => [id, { phase, granted: null }]));
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

  test("[INV1] a start waits while another process may have its port or its device", () => {
    const old = desiredAllocation({ id: "a1", ports: { http: 8_080 }, gpuUuids: ["GPU-1"] });
    const samePort = desiredAllocation({ id: "a2", ports: { web: 8_080 } });
    const sameDevice = desiredAllocation({ id: "a3", gpuUuids: ["GPU-1", "GPU-2"] });
    const other = desiredAllocation({ id: "a4", ports: { http: 8_081 }, gpuUuids: ["GPU-2"] });
    const startsWhile = (phase: Phase) =>
      reconcile(
        desiredSet(samePort, sameDevice, other),
        new Map([["a1" as AllocationId, { phase, granted: old.granted }]]),
        10,
      )
        .filter(({ kind }) => kind === "start")
        .map(idOf);
    for (const phase of ["prepared", "starting", "running", "stopping"] as const) {
      expect(startsWhile(phase)).toEqual(["a4"]);
    }
    expect(startsWhile("finished")).toEqual(["a2", "a3", "a4"]);
  });

  test("its own half-made start is no reason to wait", () => {
    const own = desiredAllocation({ id: "a1", ports: { http: 8_080 } });
    const observed = new Map([
      ["a1" as AllocationId, { phase: "prepared", granted: own.granted } as const],
    ]);
    expect(reconcile(desiredSet(own), observed, 10).map(idOf)).toEqual(["a1"]);
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
        const observed = observe(
          Object.fromEntries(phases.map(([number, phase]) => [allocationId(number), phase])),
        );
        const see = (id: AllocationId, phase: Phase) => observed.set(id, { phase, granted: null });
        for (let round = 0; round < 40; round += 1) {
          const actions = reconcile(desired, observed, max);
          for (const action of actions) {
            const isDesired = desired.has(idOf(action));
            expect(action.kind === "start").toBe(isDesired);
            expect(observed.get(idOf(action))?.phase).not.toBe("finished");
            see(idOf(action), action.kind === "start" ? "starting" : "stopping");
          }
          const starting = [...observed.values()].filter(({ phase }) => phase === "starting");
          const before = phases.filter(([, phase]) => phase === "starting").length;
          expect(starting.length).toBeLessThanOrEqual(Math.max(max, before));
          for (const [id, { phase }] of observed) {
            if (phase === "starting") see(id, "running");
            if (phase === "stopping") see(id, "finished");
          }
        }
        expect(reconcile(desired, observed, max)).toEqual([]);
        for (const id of desired.keys()) expect(observed.has(id)).toBe(true);
      }),
    );
  });
});
