import { describe, expect, test } from "vitest";
import { ProcessClock, Timeline } from "./timeline.ts";

function runAll(timeline: Timeline, untilMs = 1_000_000): void {
  while (timeline.step(untilMs));
}

describe("virtual time", () => {
  test("what is due comes in order of time, and of asking where times are equal", () => {
    const timeline = new Timeline();
    const seen: string[] = [];
    for (const [atMs, name] of [
      [30, "c"],
      [10, "a"],
      [30, "d"],
      [20, "b"],
    ] as const) {
      timeline.schedule(atMs, () => seen.push(`${name}@${timeline.nowMs}`));
    }
    timeline.schedule(15, () => seen.push("cancelled")).cancel();
    runAll(timeline);
    expect(seen).toEqual(["a@10", "b@20", "c@30", "d@30"]);
  });

  test("stands at the moment that was waited for when nothing more is due", () => {
    const timeline = new Timeline();
    expect(timeline.step(500)).toBe(false);
    expect(timeline.nowMs).toBe(500);
  });
});

describe("the clock of a process", () => {
  test("holds back what comes while it is frozen, and nothing comes once it is dead", () => {
    const timeline = new Timeline();
    const clock = new ProcessClock(timeline);
    const seen: string[] = [];
    clock.after(10, () => seen.push("first"));
    clock.after(500, () => seen.push("last"));
    clock.freeze();
    runAll(timeline, 100);
    expect(seen).toEqual([]);
    clock.thaw();
    expect(seen).toEqual(["first"]);
    clock.kill();
    runAll(timeline);
    expect(seen).toEqual(["first"]);
  });

  test("may tell a wrong wall time without its timers noticing", () => {
    const timeline = new Timeline();
    const clock = new ProcessClock(timeline);
    const before = clock.nowUnixMs();
    clock.jumpWall(-60_000);
    expect(clock.nowUnixMs()).toBe(before - 60_000);
    expect(clock.monotonicMs()).toBe(0);
    clock.setWallRight();
    expect(clock.nowUnixMs()).toBe(before);
  });
});
