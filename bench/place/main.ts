#!/usr/bin/env node
import { writeFileSync } from "node:fs";
import { fromCaller } from "../caller-path.ts";
import { placementChart } from "../charts/placement-chart.ts";
import { machine } from "../cluster/statistics.ts";
import { compare, DecisionError, measure, type Measurement } from "./measure.ts";
import { enginesFor } from "./engines.ts";
import { type Options, OptionsError, readOptions, USAGE } from "./options.ts";

try {
  main(readOptions(process.argv.slice(2)));
} catch (error) {
  if (!(error instanceof OptionsError) && !(error instanceof DecisionError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = error instanceof OptionsError ? 2 : 1;
}

function main(options: Options): void {
  const { nodeCounts, seed, chart, json } = options;
  if (options.help) {
    process.stdout.write(USAGE);
    return;
  }
  if (!json) printHead();
  const rows = options.mixes.flatMap((mix) => {
    const { fast, plain } = enginesFor(mix);
    compare(mix, seed, fast, plain);
    return nodeCounts.map((nodeCount) => {
      const row = measure(mix, nodeCount, seed, fast);
      if (!json) printRow(row);
      return row;
    });
  });
  if (chart !== null) writeFileSync(fromCaller(chart), placementChart(rows));
  if (json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
}

function printHead(): void {
  const { cpu, threads, node } = machine();
  process.stdout.write(`${cpu}, ${threads} threads, Node ${node}\n\n`);
  printCells([
    "mix",
    "nodes",
    "placements/s",
    "per cpu s",
    "p99 µs",
    "bytes/node",
    "bytes/task",
    "hash",
  ]);
}

function printRow(row: Measurement): void {
  const { mix, nodes, placementsPerSecond, placementsPerCpuSecond, p99Micros, hash } = row;
  const bytes = [row.bytesPerNode ?? "", row.bytesPerTask ?? ""];
  printCells([mix, nodes, placementsPerSecond, placementsPerCpuSecond, p99Micros, ...bytes, hash]);
}

function printCells([mix = "", ...cells]: readonly (string | number)[]): void {
  const texts = cells.map((cell) => cell.toLocaleString("en-US").padStart(14));
  process.stdout.write(`${String(mix).padEnd(12)}${texts.join("")}\n`);
}
