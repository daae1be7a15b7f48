import { describe, expect, it } from "vitest";
import { freshness, type FreshnessInput, QUIET_AFTER_MS } from "./freshness.ts";
import { RECONNECT_MAX_MS, RECONNECT_MIN_MS, reconnectDelayMs } from "./backoff.ts";

const live: FreshnessInput = {
  link: { phase: "open" },
  upstream: { status: "live", sinceMs: 0, receivedAtMs: 9_800 },
  heardAtMs: 9_800,
  hasModel: true,
  nowMs: 10_000,
};

describe("how fresh the page is", () => {
  it("is live by the age of the last frame", () => {
    expect(freshness(live)).toEqual({ kind: "live", ageMs: 200 });
  });

  it("is stale when the gateway says that its own sources are, for as long as it says", () => {
    const upstream = { status: "leader_silent", sinceMs: 4_000, receivedAtMs: 9_000 } as const;
    expect(freshness({ ...live, upstream })).toEqual({
      kind: "stale",
      ageMs: 5_000,
      why: "leader_silent",
    });
  });

  it("is stale when the line is open and nothing comes", () => {
    const nowMs = live.nowMs + QUIET_AFTER_MS;
    expect(freshness({ ...live, nowMs })).toMatchObject({ kind: "stale", why: "quiet" });
  });

  it("counts down to the next try while the line is down", () => {
    const link = { phase: "waiting", retryAtMs: 12_500 } as const;
    expect(freshness({ ...live, link })).toEqual({ kind: "reconnecting", ageMs: 200, inMs: 2_500 });
  });

  it("is loading until the first snapshot, whatever else has come", () => {
    expect(freshness({ ...live, hasModel: false }).kind).toBe("loading");
    expect(freshness({ ...live, link: { phase: "connecting" }, heardAtMs: null }).kind).toBe(
      "loading",
    );
  });
});

describe("the wait before dialling again", () => {
  it("doubles from half a second to fifteen, and never leaves that range", () => {
    for (const random of [0, 0.5, 0.999]) {
      const waits = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => reconnectDelayMs(failures, random));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(RECONNECT_MIN_MS);
      expect(Math.max(...waits)).toBeLessThanOrEqual(RECONNECT_MAX_MS);
      expect(waits).toEqual([...waits].sort((a, b) => a - b));
    }
  });

  it("differs from page to page", () => {
    expect(reconnectDelayMs(5, 0)).not.toBe(reconnectDelayMs(5, 0.9));
  });
});
