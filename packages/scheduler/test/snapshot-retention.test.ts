import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRetention } from "../src/shell/snapshot-retention.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const settings = { retentionMs: 7 * DAY_MS, keptMin: 3, historyParts: 4 };
const NOW = 1_700_000_000_000;

/** A snapshot after entry `seq`, decided so many days ago. */
const point = (seq: number, daysAgo: number) => ({ seq, entryAtUnixMs: NOW - daysAgo * DAY_MS });
const seqs = (points: readonly { seq: number }[]) => points.map(({ seq }) => seq);
const plan = (...points: { seq: number; entryAtUnixMs: number }[]) =>
  planRetention(points, NOW, settings);

describe("retention", () => {
  it("purges nothing while no snapshot is as old as the retention", () => {
    const { keep, drop, purgeBeforeSeq } = plan(point(10, 6.9), point(20, 3), point(30, 1));
    expect(seqs(keep)).toEqual([10, 20, 30]);
    expect(drop).toEqual([]);
    expect(purgeBeforeSeq).toBeNull();
  });

  it("purges nothing with fewer snapshots than must be kept", () => {
    expect(plan(point(10, 9), point(20, 8)).purgeBeforeSeq).toBeNull();
    expect(plan().purgeBeforeSeq).toBeNull();
  });

  it("purges up to the newest snapshot that is as old as the retention", () => {
    const { keep, drop, purgeBeforeSeq } = plan(
      point(10, 12),
      point(20, 8),
      point(30, 5),
      point(40, 0.2),
      point(50, 0.1),
    );
    expect(purgeBeforeSeq).toBe(20);
    expect(seqs(keep)).toEqual([20, 30, 40, 50]);
    expect(seqs(drop)).toEqual([10]);
  });

  it("purges a quiet log only up to the oldest of those that must be kept", () => {
    const quiet = [point(10, 60), point(20, 50), point(30, 40), point(40, 30)];
    const { keep, purgeBeforeSeq } = plan(...quiet);
    expect(seqs(keep)).toEqual([20, 30, 40]);
    expect(purgeBeforeSeq).toBe(20);
  });

  it("thins a month of hourly snapshots to a few, and always finds one to purge to", () => {
    let kept: { seq: number; entryAtUnixMs: number }[] = [];
    let first = 1;
    for (let hour = 1; hour <= 30 * 24; hour += 1) {
      const now = NOW + hour * HOUR_MS;
      kept.push({ seq: hour * 100, entryAtUnixMs: now });
      const { keep, purgeBeforeSeq } = planRetention(kept, now, settings);
      kept = [...keep];
      first = Math.max(first, purgeBeforeSeq ?? 1);
      expect(kept.length).toBeLessThanOrEqual(settings.keptMin + settings.historyParts + 2);
    }
    const oldestHours = (30 * 24 * 100 - first) / 100;
    expect(oldestHours).toBeGreaterThanOrEqual(7 * 24);
    expect(oldestHours).toBeLessThan(10 * 24);
  });

  it("never purges past what is kept, nor what is younger than the retention", () => {
    const points = fc.uniqueArray(
      fc.record({
        seq: fc.integer({ min: 1, max: 500 }),
        daysAgo: fc.double({ min: 0, max: 30, noNaN: true }),
      }),
      { selector: ({ seq }) => seq, maxLength: 20 },
    );
    fc.assert(
      fc.property(points, (drawn) => {
        const all = drawn.map(({ seq, daysAgo }) => point(seq, daysAgo));
        const { keep, drop, purgeBeforeSeq } = planRetention(all, NOW, settings);
        expect(new Set([...keep, ...drop])).toEqual(new Set(all));
        expect(keep.length + drop.length).toBe(all.length);
        const newest = [...all].sort((a, b) => b.seq - a.seq).slice(0, settings.keptMin);
        for (const one of newest) expect(keep).toContain(one);
        if (purgeBeforeSeq === null) return;
        expect(seqs(keep)).toContain(purgeBeforeSeq);
        const anchor = all.find(
          ({ seq, entryAtUnixMs }) =>
            seq >= purgeBeforeSeq && entryAtUnixMs <= NOW - settings.retentionMs,
        );
        expect(anchor).toBeDefined();
        expect(keep.filter(({ seq }) => seq >= purgeBeforeSeq).length).toBeGreaterThanOrEqual(
          settings.keptMin,
        );
      }),
    );
  });
});
