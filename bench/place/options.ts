import { parseArgs } from "node:util";
import { MIXES } from "./mixes/index.ts";
import type { Mix } from "./scenario.ts";

/** What one call of the benchmark was asked to do. */
export interface Options {
  readonly nodeCounts: readonly number[];
  readonly mixes: readonly Mix[];
  readonly seed: number;
  /** Where to draw the rates, as given. */
  readonly chart: string | null;
  readonly json: boolean;
  readonly help: boolean;
}

/** A command line the benchmark cannot follow; the message says what would do. */
export class OptionsError extends Error {
  readonly code = "OPTIONS_INVALID";
  readonly retryable = false;
}

/** Larger clusters are refused: a typing error would otherwise run for hours. */
export const NODES_MAX = 100_000;

const DEFAULT_NODES = "100,1000,5000,10000,20000";
const DEFAULT_SEED = "1";

export const USAGE = `usage: bench:place [--nodes N[,N…]] [--mix NAME[,NAME…]] [--seed N] [--chart FILE] [--json]

How fast the placement engine decides, alone on one thread: nothing is logged, sent or started.
Decisions are compared with those of plain loops on a small cluster, and hashed, before any is timed.

  --nodes   sizes of cluster (default ${DEFAULT_NODES})
  --mix     what is placed (default all):
${MIXES.map(({ name, about }) => `              ${name.padEnd(12)} ${about}`).join("\n")}
  --seed    another draw of the same mixes (default ${DEFAULT_SEED})
  --chart   draws the rates to a file (SVG)
  --json    an array of {nodes, mix, placementsPerSecond, p99Micros, hash, …} instead of a table
`;

const ARGUMENTS = {
  nodes: { type: "string", default: DEFAULT_NODES },
  mix: { type: "string" },
  seed: { type: "string", default: DEFAULT_SEED },
  chart: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Reads the command line, refusing what it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { nodes, mix, seed, chart, json, help } = parse(args);
  return {
    nodeCounts: nodes.split(",").map((text) => readCount("--nodes", text, NODES_MAX)),
    mixes: mix === undefined ? MIXES : mix.split(",").map(readMix),
    seed: readCount("--seed", seed, 0xffff_ffff),
    chart: chart ?? null,
    json,
    help,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: ARGUMENTS }).values;
  } catch (cause) {
    throw new OptionsError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, {
      cause,
    });
  }
}

function readCount(option: string, text: string, max: number): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (count >= 1 && count <= max) return count;
  throw new OptionsError(`${option} ${text}: want whole numbers from 1 to ${max}`);
}

function readMix(name: string): Mix {
  const mix = MIXES.find((known) => known.name === name);
  if (mix === undefined) throw new OptionsError(`no mix ${name}\n${USAGE}`);
  return mix;
}
