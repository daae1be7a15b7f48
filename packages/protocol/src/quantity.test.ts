import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatCpuMillis,
  formatDurationMs,
  formatMemoryMiB,
  formatNetworkMbps,
  parseCpuMillis,
  parseDurationMs,
  parseDurationRangeMs,
  parseMemoryMiB,
  parseNetworkMbps,
  type Parsed,
  QUANTITY_MAX,
} from "./quantity.ts";

function value<T>(parsed: Parsed<T>): T {
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

function refusal(parsed: Parsed<unknown>): string {
  if (parsed.ok) throw new Error(`accepted as ${JSON.stringify(parsed.value)}`);
  return parsed.message;
}

const amount = fc.integer({ min: 0, max: QUANTITY_MAX });

describe("cores", () => {
  test.each([
    ["2", 2000],
    [2, 2000],
    ["0.5", 500],
    [1.5, 1500],
    ["500m", 500],
    ["0.001", 1],
    ["0", 0],
  ])("%s is %i thousandths", (input, millis) => {
    expect(value(parseCpuMillis(input))).toBe(millis);
  });

  test.each(["", "two", "-1", "1e3", "500 m", "0.5m", "1.2345", "m", "Infinity"])(
    "'%s' is refused",
    (input) => {
      expect(refusal(parseCpuMillis(input))).toContain("500m");
    },
  );

  test("every amount that is written out reads back as itself", () => {
    fc.assert(
      fc.property(amount, (millis) => {
        expect(value(parseCpuMillis(formatCpuMillis(millis)))).toBe(millis);
      }),
    );
  });
});

describe("memory and disk", () => {
  test.each([
    ["128MiB", 128],
    ["1.5GiB", 1536],
    ["2 TiB", 2 * 1024 * 1024],
    ["1KiB", 1],
    ["1GB", 954],
    ["0MiB", 0],
  ])("%s is %i MiB, rounded up", (input, mebibytes) => {
    expect(value(parseMemoryMiB(input))).toBe(mebibytes);
  });

  test("a bare number is refused: its unit would be a guess", () => {
    expect(refusal(parseMemoryMiB(128))).toContain("with a unit");
  });

  test("an unknown unit is refused with the one that was probably meant", () => {
    expect(refusal(parseMemoryMiB("4gib"))).toContain("did you mean 'GiB'?");
    expect(refusal(parseMemoryMiB("4G"))).toContain("did you mean 'GiB'?");
    expect(refusal(parseMemoryMiB("4 bananas"))).toContain("unknown unit 'bananas'");
  });

  test("a request never gets less than it asked for, and less than 1 MiB more", () => {
    const units = fc.constantFrom(["KiB", 2 ** 10], ["MB", 1e6], ["GiB", 2 ** 30] as const);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), units, (count, [unit, bytes]) => {
        const granted = value(parseMemoryMiB(`${count}${unit}`)) * 2 ** 20;
        const asked = count * Number(bytes);
        expect(granted).toBeGreaterThanOrEqual(asked);
        expect(granted - asked).toBeLessThan(2 ** 20);
      }),
    );
  });

  test("what is shown reads back within the digit that is shown", () => {
    fc.assert(
      fc.property(amount, (mebibytes) => {
        const back = value(parseMemoryMiB(formatMemoryMiB(mebibytes)));
        expect(Math.abs(back - mebibytes)).toBeLessThanOrEqual(Math.max(1, mebibytes * 0.05));
      }),
    );
  });

  test("more than any cluster has is refused", () => {
    expect(refusal(parseMemoryMiB("99999999PiB"))).toContain("larger than any cluster");
  });
});

describe("bandwidth", () => {
  test.each([
    ["50Mbps", 50],
    ["10Gbps", 10_000],
    ["1kbps", 1],
    ["1.5Gbps", 1500],
  ])("%s is %i Mbit/s, rounded up", (input, mbps) => {
    expect(value(parseNetworkMbps(input))).toBe(mbps);
  });

  test("bytes are no bits: MB is refused", () => {
    expect(refusal(parseNetworkMbps("50MB"))).toContain("Mbps");
  });

  test("is shown in the unit that reads best", () => {
    expect([50, 1000, 2500, 400_000].map(formatNetworkMbps)).toEqual([
      "50Mbps",
      "1Gbps",
      "2.5Gbps",
      "400Gbps",
    ]);
  });
});

describe("durations", () => {
  test.each([
    ["500ms", 500],
    ["30s", 30_000],
    ["1.5s", 1_500],
    ["1h30m", 5_400_000],
    ["2d", 172_800_000],
  ])("%s is %i ms", (input, ms) => {
    expect(value(parseDurationMs(input))).toBe(ms);
  });

  test.each(["", "5", "5 s", "s", "-1s", "1h 30m", "1w"])("'%s' is refused", (input) => {
    expect(refusal(parseDurationMs(input))).toContain("with a unit");
  });

  test("a range has both ends in order; one duration is both", () => {
    expect(value(parseDurationRangeMs("1s..1m"))).toEqual({ minMs: 1_000, maxMs: 60_000 });
    expect(value(parseDurationRangeMs("5s"))).toEqual({ minMs: 5_000, maxMs: 5_000 });
    expect(refusal(parseDurationRangeMs("1m..1s"))).toContain("shorter duration comes first");
    expect(refusal(parseDurationRangeMs("1s..2s..3s"))).toContain("1s..1m");
  });

  test("whole seconds in at most two units read back as themselves", () => {
    const twoUnits = fc.oneof(
      fc.integer({ min: 0, max: 3_599 }),
      fc.integer({ min: 60, max: 1_439 }).map((minutes) => minutes * 60),
      fc.integer({ min: 24, max: 10_000 }).map((hours) => hours * 3_600),
    );
    fc.assert(
      fc.property(twoUnits, (seconds) => {
        expect(value(parseDurationMs(formatDurationMs(seconds * 1000)))).toBe(seconds * 1000);
      }),
    );
  });

  test("nothing that is not a duration is ever accepted as something else", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const parsed = parseDurationMs(text);
        if (parsed.ok) expect(text).toMatch(/^[\d.]+(ms|s|m|h|d)/);
      }),
    );
  });
});
