/** Counters of the whole host at one moment. Null: could not be read. */
export interface HostCounters {
  readonly atMs: number;
  /** Processor time spent working, in milliseconds summed over all threads. */
  readonly busyMs: number | null;
  readonly receivedBytes: number | null;
  readonly sentBytes: number | null;
}

export interface HostRates {
  readonly cpuMillis: number | null;
  readonly receivedMbps: number | null;
  readonly sentMbps: number | null;
}

/** Rates between two readings; null where either is missing or a counter went back. */
export function hostRates(before: HostCounters | null, now: HostCounters): HostRates {
  const elapsedMs = before === null ? 0 : now.atMs - before.atMs;
  const rate = (from: number | null | undefined, to: number | null, perUnit: number) =>
    from === null || from === undefined || to === null || elapsedMs <= 0 || to < from
      ? null
      : rounded(((to - from) / elapsedMs) * perUnit);
  return {
    cpuMillis: rate(before?.busyMs, now.busyMs, 1_000),
    receivedMbps: rate(before?.receivedBytes, now.receivedBytes, 8 / 1_000),
    sentMbps: rate(before?.sentBytes, now.sentBytes, 8 / 1_000),
  };
}

/** Milli-processors used between two readings of processor time; a part that ended counts as 0. */
export function cpuMillisBetween(
  before: { readonly atMs: number; readonly cpuMs: number } | undefined,
  now: { readonly atMs: number; readonly cpuMs: number },
): number | null {
  if (before === undefined || now.atMs <= before.atMs) return null;
  return rounded((Math.max(0, now.cpuMs - before.cpuMs) / (now.atMs - before.atMs)) * 1_000);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
