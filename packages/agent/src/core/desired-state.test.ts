import type { ClusterId, DesiredDelta, DesiredReply, Fence } from "@berth/protocol";
import { describe, expect, test } from "vitest";
import { desiredAllocation } from "../../test/support/desired-allocation.ts";
import { addPage, applyDelta, applyListing, unknownDesired } from "./desired-state.ts";

const clusterId = "cabcdefghijkl" as ClusterId;
const fence = (term: number, generation: number): Fence => ({ term, generation });
const a = (id: string) => desiredAllocation({ id });

function delta(base: Fence, to: Fence, add: string[] = [], remove: string[] = []): DesiredDelta {
  return {
    v: 1,
    clusterId,
    base,
    fence: to,
    add: add.map(a),
    remove: remove as DesiredDelta["remove"],
  };
}
function page(at: Fence, ids: string[], more: boolean): DesiredReply {
  return { clusterId, fence: at, allocations: ids.map(a), more };
}
function known(at: Fence, ...ids: string[]) {
  const state = applyListing(unknownDesired(null), { fence: at, allocations: ids.map(a) });
  if (state === null) throw new Error("refused");
  return state;
}

describe("a delta", () => {
  test("applies on top of its base", () => {
    const result = applyDelta(
      known(fence(1, 4), "a1", "a2"),
      delta(fence(1, 4), fence(1, 5), ["a3"], ["a1"]),
    );
    expect(result.result).toBe("applied");
    if (result.result !== "applied") return;
    expect([...(result.state.allocations?.keys() ?? [])]).toEqual(["a2", "a3"]);
    expect(result.state.floor).toEqual(fence(1, 5));
  });

  test.each([
    ["an older term, whatever its generation", fence(1, 99)],
    ["the same fence", fence(2, 4)],
    ["an older generation", fence(2, 3)],
  ])("is stale with %s", (_what, to) => {
    expect(applyDelta(known(fence(2, 4), "a1"), delta(fence(2, 4), to)).result).toBe("stale");
  });

  test("leaves a gap on another base, or before anything is known", () => {
    expect(applyDelta(known(fence(1, 4)), delta(fence(1, 5), fence(1, 6))).result).toBe("gap");
    const nothing = unknownDesired(fence(1, 4));
    expect(applyDelta(nothing, delta(fence(1, 4), fence(1, 5))).result).toBe("gap");
  });
});

describe("a listing", () => {
  test("is made of pages at one fence and starts over when it moves", () => {
    const first = addPage(null, page(fence(1, 1), ["a1"], true));
    expect(addPage(first, page(fence(1, 1), ["a2"], false))?.allocations).toHaveLength(2);
    expect(addPage(first, page(fence(1, 2), ["a2"], false))).toBeNull();
  });

  test("is refused when it is older than what was applied before a restart", () => {
    const listing = { fence: fence(1, 3), allocations: [] };
    expect(applyListing(unknownDesired(fence(1, 4)), listing)).toBeNull();
    expect(applyListing(unknownDesired(fence(1, 3)), listing)?.applied).toEqual(fence(1, 3));
  });
});
