import { formatDurationMs } from "@berth/protocol";

/** Two units of the time since then: `3m12s`; `-` for never. */
export function age(sinceUnixMs: number | null, nowUnixMs: number): string {
  if (sinceUnixMs === null) return "-";
  const elapsedMs = Math.max(0, nowUnixMs - sinceUnixMs);
  return elapsedMs < 1_000 ? "0s" : formatDurationMs(elapsedMs);
}

/** Local wall time to the second. */
export function clockTime(unixMs: number): string {
  const at = new Date(unixMs);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** `1 node`, `3 nodes`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** `812 B`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const larger of ["KiB", "MiB", "GiB", "TiB"]) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${Number.isInteger(value) || value >= 100 ? Math.round(value) : value.toFixed(1)} ${unit}`;
}
