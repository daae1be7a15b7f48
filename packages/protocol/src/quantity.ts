/**
 * Quantities are written with units by people and held as integers with the unit in the name.
 * A parser returns the integer, or a sentence that says what would have been right.
 */
export type Parsed<T> = { ok: true; value: T } | { ok: false; message: string };

const MEMORY_BYTES: Readonly<Record<string, number>> = {
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
};
const BANDWIDTH_KBPS: Readonly<Record<string, number>> = {
  kbps: 1,
  Mbps: 1e3,
  Gbps: 1e6,
  Tbps: 1e9,
};
const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** The largest amount of any dimension; sums over 100,000 nodes stay exact in a double. */
export const QUANTITY_MAX = 2 ** 36;

/** Thousandths of a device: all of it. */
export const WHOLE_GPU_MILLIS = 1_000;

/** `500m`, `2`, `1.5` (cores) → thousandths of a core. */
export function parseCpuMillis(input: string | number): Parsed<number> {
  const help = "write cores as 2 or 0.5, or thousandths as 500m";
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(input));
  if (!match) return { ok: false, message: help };
  return whole(Number(match[1]) * (match[2] === "m" ? 1 : 1000), "thousandth of a core", help);
}

/** `128MiB`, `1.5GiB`, `2GB` → MiB, rounded up so that a request never gets less than it asked. */
export function parseMemoryMiB(input: string | number): Parsed<number> {
  const help = "write an amount with a unit, such as 128MiB, 1.5GiB or 2TiB";
  const match = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(String(input));
  const unit = match ? MEMORY_BYTES[match[2] ?? ""] : undefined;
  if (!match || unit === undefined)
    return { ok: false, message: unitHelp(match?.[2], MEMORY_BYTES, help) };
  return bounded(Math.ceil((Number(match[1]) * unit) / 2 ** 20), help);
}

/** `50Mbps`, `10Gbps` → Mbit/s, rounded up. */
export function parseNetworkMbps(input: string | number): Parsed<number> {
  const help = "write a bandwidth with a unit, such as 50Mbps or 10Gbps";
  const match = /^(\d+(?:\.\d+)?)\s?([A-Za-z]+)$/.exec(String(input));
  const unit = match ? BANDWIDTH_KBPS[match[2] ?? ""] : undefined;
  if (!match || unit === undefined) {
    return { ok: false, message: unitHelp(match?.[2], BANDWIDTH_KBPS, help) };
  }
  return bounded(Math.ceil((Number(match[1]) * unit) / 1e3), help);
}

/** `500ms`, `30s`, `1h30m`, `2d` → milliseconds. */
export function parseDurationMs(input: string | number): Parsed<number> {
  const help = "write a duration with a unit, such as 500ms, 30s, 5m, 2h or 1h30m";
  const text = String(input);
  if (!/^(\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(text)) return { ok: false, message: help };
  let total = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(part[1]) * (DURATION_MS[part[2] ?? ""] ?? Number.NaN);
  }
  return whole(total, "millisecond", help);
}

/** `1s..1m` → the two ends; `5s` alone means both. */
export function parseDurationRangeMs(
  input: string | number,
): Parsed<{ minMs: number; maxMs: number }> {
  const help = "write a range of durations, such as 1s..1m";
  const [low, high, ...rest] = String(input).split("..");
  const min = parseDurationMs(low ?? "");
  const max = high === undefined ? min : parseDurationMs(high);
  if (rest.length > 0 || !min.ok || !max.ok) return { ok: false, message: help };
  if (min.value > max.value) return { ok: false, message: "the shorter duration comes first" };
  return { ok: true, value: { minMs: min.value, maxMs: max.value } };
}

export function formatCpuMillis(cpuMillis: number): string {
  return cpuMillis % 1000 === 0 ? String(cpuMillis / 1000) : `${cpuMillis}m`;
}

export function formatMemoryMiB(memoryMiB: number): string {
  return scaled(memoryMiB, 1024, ["MiB", "GiB", "TiB", "PiB"]);
}

export function formatNetworkMbps(networkMbps: number): string {
  return scaled(networkMbps, 1000, ["Mbps", "Gbps", "Tbps"]);
}

/** The two largest units: `1h30m`, `12s`, `450ms`. */
export function formatDurationMs(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)}ms`;
  const parts: string[] = [];
  let rest = Math.floor(durationMs / 1000) * 1000;
  for (const unit of ["d", "h", "m", "s"]) {
    const size = DURATION_MS[unit] ?? 1;
    const amount = Math.floor(rest / size);
    if (amount > 0) parts.push(`${amount}${unit}`);
    rest -= amount * size;
  }
  return parts.slice(0, 2).join("");
}

function whole(value: number, unit: string, help: string): Parsed<number> {
  const rounded = Math.round(value);
  if (Math.abs(value - rounded) > 1e-6) {
    return { ok: false, message: `not a whole number of ${unit}s; ${help}` };
  }
  return bounded(rounded, help);
}

function bounded(value: number, help: string): Parsed<number> {
  if (!Number.isFinite(value) || value > QUANTITY_MAX) {
    return { ok: false, message: `larger than any cluster has; ${help}` };
  }
  return { ok: true, value };
}

function unitHelp(unit: string | undefined, units: Readonly<Record<string, number>>, help: string) {
  if (unit === undefined) return help;
  const meant = Object.keys(units).find((known) => known.toLowerCase() === unit.toLowerCase());
  const short = Object.keys(units).find(
    (known) => known.toLowerCase()[0] === unit.toLowerCase()[0],
  );
  const suggestion = meant ?? short;
  return suggestion === undefined
    ? `unknown unit '${unit}'; ${help}`
    : `unknown unit '${unit}', did you mean '${suggestion}'? ${help}`;
}

function scaled(amount: number, step: number, units: readonly string[]): string {
  let value = amount;
  let index = 0;
  while (value >= step && index < units.length - 1) {
    value /= step;
    index += 1;
  }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : 1;
  return `${value.toFixed(digits)}${units[index]}`;
}
