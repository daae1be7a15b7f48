import { cpus, totalmem } from "node:os";

/** Nearest-rank percentile: a value that was really measured. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export function summary(values: readonly number[]) {
  return {
    runs: values.length,
    p50Ms: rounded(percentile(values, 50)),
    p90Ms: rounded(percentile(values, 90)),
    p99Ms: rounded(percentile(values, 99)),
    maxMs: rounded(Math.max(...values)),
  };
}

export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** Where a number was measured: without it the number means nothing. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    threads: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** The one line of JSON on stdout, or the same for people. */
export function print(result: object): void {
  const isJson = process.argv.includes("--json");
  process.stdout.write(`${JSON.stringify(result, null, isJson ? undefined : 2)}\n`);
}

/** The number after `--name`, or the default. */
export function numberArgument(name: string, otherwise: number): number {
  const at = process.argv.indexOf(`--${name}`);
  if (at < 0) return otherwise;
  const value = Number(process.argv[at + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number`);
  return value;
}

export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
