#!/usr/bin/env node
import { existsSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { fromCaller } from "../caller-path.ts";
import { packingChart } from "../charts/packing-chart.ts";
import { createMix } from "./mixes.ts";
import { OptionsError, readOptions, type Options } from "./options.ts";
import type { PolicyFactory } from "./policy.ts";
import { POLICIES } from "./policies/index.ts";
import { run, type RunResult } from "./run.ts";
import { readNodes, readTasks, TraceError } from "./trace.ts";

/** What one policy gave over all seeds. Percentages are of the cluster's GPU capacity. */
interface Report {
  readonly policy: string;
  readonly mean130: number;
  readonly sd130: number;
  readonly mean100: number;
  readonly sd100: number;
  readonly decisionMicros: number;
  readonly seeds: readonly RunResult[];
}

try {
  main(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof OptionsError) && !(error instanceof TraceError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

function main(options: Options): void {
  const nodes = readNodes(pathOf(options.nodes, "openb_node_list_gpu_node.csv"));
  const given = readTasks(pathOf(options.pods, "openb_pod_list_default.csv.gz"));
  const list = (options.mix === null ? null : createMix(given, options.mix)) ?? given;
  const reports = options.policies.map((policy) => {
    const report = runSeeds(policy, options.seeds, (seed, create) =>
      run(nodes, list, seed, create),
    );
    if (!options.json) printRow(report);
    return report;
  });
  if (options.chart !== null) writeFileSync(fromCaller(options.chart), packingChart(reports));
  if (!options.json) return;
  const output = reports.length === 1 ? reports[0] : reports;
  process.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
}

/** A path the caller gave, relative to where npm was called; else a file of the bundled data. */
function pathOf(given: string | null, bundled: string): string {
  if (given !== null) return fromCaller(given);
  const places = ["./data/", "../../packing/data/"].map((folder) =>
    fileURLToPath(new URL(folder + bundled, import.meta.url)),
  );
  const found = places.find((place) => existsSync(place));
  if (found === undefined)
    throw new TraceError(`no bundled ${bundled}: looked at ${places.join(", ")}`);
  return found;
}

function runSeeds(
  policy: string,
  seeds: readonly number[],
  runSeed: (seed: number, create: PolicyFactory) => RunResult,
): Report {
  const create = POLICIES[policy];
  if (create === undefined) throw new OptionsError(`no policy ${policy}`);
  const results = seeds.map((seed) => runSeed(seed, create));
  const at130 = results.map((result) => result.allocated130);
  const at100 = results.map((result) => result.allocated100);
  return {
    policy,
    mean130: mean(at130),
    sd130: deviation(at130),
    mean100: mean(at100),
    sd100: deviation(at100),
    decisionMicros: mean(results.map((result) => result.decisionMicros)),
    seeds: results,
  };
}

function printRow(report: Report): void {
  const percent = (value: number, sd: number): string => `${value.toFixed(2)} ± ${sd.toFixed(2)}`;
  process.stdout.write(
    `${report.policy.padEnd(16)} 130 %: ${percent(report.mean130, report.sd130)}` +
      `   100 %: ${percent(report.mean100, report.sd100)}` +
      `   ${report.decisionMicros.toFixed(1)} µs a decision   ${report.seeds.length} seeds\n`,
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation of a sample; 0 for a single value. */
function deviation(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - middle) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}
