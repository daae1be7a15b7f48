#!/usr/bin/env node
import { readFileSync, writeFileSync } from "node:fs";
import { fromCaller } from "../caller-path.ts";
import { type PackingPoint, packingChart } from "./packing-chart.ts";
import { placementChart, type PlacementPoint } from "./placement-chart.ts";

const USAGE = `usage: bench:chart RESULTS.json PICTURE.svg

Draws what \`bench:place --json\` or \`bench:packing --policy all --json\` printed.
`;

const [results, picture] = process.argv.slice(2);
if (results === undefined || picture === undefined) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else draw(fromCaller(results), fromCaller(picture));

function draw(from: string, to: string): void {
  const rows: readonly (PlacementPoint | PackingPoint)[] = JSON.parse(readFileSync(from, "utf8"));
  const placement = rows.filter((row) => "mix" in row);
  const packing = rows.filter((row) => "policy" in row);
  writeFileSync(to, placement.length > 0 ? placementChart(placement) : packingChart(packing));
}
