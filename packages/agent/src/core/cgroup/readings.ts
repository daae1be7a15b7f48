/** What a group's files tell. Null: the file is not there, or does not say. */

/** The number after a word at the beginning of a line: `oom_kill 3`. */
export function numberAfter(text: string | null, word: string): number | null {
  for (const line of text?.split("\n") ?? []) {
    const [name, value] = line.split(" ");
    if (name === word && value !== undefined && /^\d+$/.test(value)) return Number(value);
  }
  return null;
}

export interface DiskBytes {
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** `io.stat` of version 2: `254:0 rbytes=1 wbytes=2 rios=3 …`, a line for each disk. */
export function parseIoStat(text: string): DiskBytes {
  const sum = (name: string) => {
    let bytes = 0;
    for (const [, value] of text.matchAll(new RegExp(`\\b${name}=(\\d+)`, "g"))) {
      bytes += Number(value);
    }
    return bytes;
  };
  return { readBytes: sum("rbytes"), writtenBytes: sum("wbytes") };
}

/** `blkio.throttle.io_service_bytes` of version 1: `254:0 Read 1`, lines for each disk. */
export function parseServiceBytes(text: string): DiskBytes {
  let readBytes = 0;
  let writtenBytes = 0;
  for (const line of text.split("\n")) {
    const [, operation, bytes] = line.split(" ");
    if (operation === "Read") readBytes += Number(bytes);
    if (operation === "Write") writtenBytes += Number(bytes);
  }
  return { readBytes, writtenBytes };
}

/** Counters of one task at one moment. */
export interface GroupCounters {
  readonly atMs: number;
  readonly cpuMs: number | null;
  readonly throttledMs: number | null;
  readonly disk: DiskBytes | null;
}

export interface GroupRates {
  readonly cpuMillis: number | null;
  readonly throttledMillis: number | null;
  readonly diskReadMiBps: number | null;
  readonly diskWriteMiBps: number | null;
}

const BYTES_PER_MIB = 1024 * 1024;

/** Rates between two readings; null where either is missing. */
export function groupRates(before: GroupCounters | undefined, now: GroupCounters): GroupRates {
  const elapsedMs = before === undefined ? 0 : now.atMs - before.atMs;
  const perSecond = (from: number | null | undefined, to: number | null | undefined) =>
    typeof from !== "number" || typeof to !== "number" || elapsedMs <= 0
      ? null
      : (Math.max(0, to - from) * 1_000) / elapsedMs;
  const read = perSecond(before?.disk?.readBytes, now.disk?.readBytes);
  const written = perSecond(before?.disk?.writtenBytes, now.disk?.writtenBytes);
  return {
    cpuMillis: rounded(perSecond(before?.cpuMs, now.cpuMs)),
    throttledMillis: rounded(perSecond(before?.throttledMs, now.throttledMs)),
    diskReadMiBps: read === null ? null : rounded(read / BYTES_PER_MIB),
    diskWriteMiBps: written === null ? null : rounded(written / BYTES_PER_MIB),
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
