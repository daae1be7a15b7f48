import type { FreedBy, SmallerFit } from "./explanation.ts";
import {
  formatCpuMillis,
  formatDurationMs,
  formatMemoryMiB,
  formatNetworkMbps,
} from "./quantity.ts";

/** What would help work that waits, as sentences for people. Nothing ever parses these. */

/** What has to end first: `once a12 (default/train) has ended, in 12m at the latest`. */
export function describeFreedBy(freedBy: FreedBy, nowUnixMs: number): string {
  const { allocations, count, endsByUnixMs } = freedBy;
  const named = allocations.map(({ allocation, workload }) => `${allocation} (${workload})`);
  const more = count - named.length;
  const all = more > 0 ? [...named, `${more} more`] : named;
  const last = all.at(-1) ?? "";
  const who = all.length < 2 ? last : `${all.slice(0, -1).join(", ")} and ${last}`;
  const when = endsByUnixMs === null ? "" : `, ${describeLatest(endsByUnixMs, nowUnixMs)}`;
  return `once ${who} ${count === 1 ? "has" : "have"} ended${when}`;
}

/** `would fit on r1-s02 with 4 GPUs instead of 8`. */
export function describeSmallerFit({ dimension, requested, fits, nodeName }: SmallerFit): string {
  const [less, more] = [fits, requested].map((amount) => describeDimension(dimension, amount));
  return `would fit on ${nodeName} with ${less} instead of ${more}`;
}

/** `starts in 12m at the latest, by the time limits of what runs`. */
export function describeEstimatedStart(estimatedStartUnixMs: number, nowUnixMs: number): string {
  return `starts ${describeLatest(estimatedStartUnixMs, nowUnixMs)}, by the time limits of what runs`;
}

function describeLatest(unixMs: number, nowUnixMs: number): string {
  const leftMs = unixMs - nowUnixMs;
  return leftMs < 1_000 ? "in a moment" : `in ${formatDurationMs(leftMs)} at the latest`;
}

/** An amount of what a smaller request may ask less of: `4 GPUs`, `1.5GiB memory`. */
export function describeDimension(dimension: SmallerFit["dimension"], amount: number): string {
  switch (dimension) {
    case "cpuMillis":
      return `${formatCpuMillis(amount)} cpu`;
    case "memoryMiB":
      return `${formatMemoryMiB(amount)} memory`;
    case "diskMiB":
      return `${formatMemoryMiB(amount)} disk`;
    case "networkMbps":
      return `${formatNetworkMbps(amount)} network`;
    case "gpuCount":
      return `${amount} ${amount === 1 ? "GPU" : "GPUs"}`;
  }
}
