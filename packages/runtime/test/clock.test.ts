import { describe, expect, it } from "vitest";
import { virtualClock } from "../src/memory/index.ts";
import { nodeClock } from "../src/node/index.ts";
import type { Clock } from "../src/ports.ts";
import { until } from "./until.ts";

interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets the awaited condition come about. */
  pass(what: string, holds: () => boolean): Promise<void>;
}

function describeClock(name: string, make: () => ClockUnderTest): void {
  describe(`a clock (${name})`, () => {
    it("runs a call once, after its delay, never within the call that asks", async () => {
      const { clock, pass } = make();
      const startMs = clock.monotonicMs();
      let calls = 0;
      clock.after(20, () => (calls += 1));
      expect(calls).toBe(0);
      await pass("it ran", () => calls > 0);
      expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(19);
      expect(calls).toBe(1);
    });

    it("runs calls in the order of their times", async () => {
      const { clock, pass } = make();
      const order: string[] = [];
      clock.after(60, () => order.push("late"));
      clock.after(5, () => order.push("early"));
      await pass("both ran", () => order.length === 2);
      expect(order).toEqual(["early", "late"]);
    });

    it("repeats until cancelled, and cancelling twice is harmless", async () => {
      const { clock, pass } = make();
      let calls = 0;
      const timer = clock.every(5, () => (calls += 1));
      await pass("it ran three times", () => calls >= 3);
      timer.cancel();
      timer.cancel();
      const before = calls;
      let isLater = false;
      clock.after(30, () => (isLater = true));
      await pass("time went on", () => isLater);
      expect(calls).toBe(before);
    });

    it("never runs what was cancelled", async () => {
      const { clock, pass } = make();
      let isRun = false;
      let isLater = false;
      clock.after(5, () => (isRun = true)).cancel();
      clock.after(20, () => (isLater = true));
      await pass("time went on", () => isLater);
      expect(isRun).toBe(false);
    });
  });
}

describeClock("node", () => ({ clock: nodeClock, pass: until }));
describeClock("virtual", () => {
  const clock = virtualClock();
  return {
    clock,
    async pass(_what, holds) {
      while (!holds()) clock.step();
    },
  };
});

describe("the node clock", () => {
  it("does not fire a delay of a year at once", async () => {
    let isFired = false;
    const timer = nodeClock.after(365 * 86_400_000, () => (isFired = true));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(isFired).toBe(false);
    timer.cancel();
  });
});

describe("the virtual clock", () => {
  it("runs each call at its own moment while advancing", () => {
    const clock = virtualClock(1_000);
    const moments: number[] = [];
    clock.after(10, () => {
      moments.push(clock.nowUnixMs());
      clock.after(5, () => moments.push(clock.nowUnixMs()));
    });
    clock.advance(100);
    expect(moments).toEqual([1_010, 1_015]);
    expect(clock.nowUnixMs()).toBe(1_100);
  });

  it("jumps in wall time without moving monotonic time", () => {
    const clock = virtualClock(0);
    clock.jumpWall(-500);
    expect(clock.nowUnixMs()).toBe(-500);
    expect(clock.monotonicMs()).toBe(0);
  });
});
