import { parseArgs } from "node:util";
import { MIX_NAMES } from "./mixes.ts";
import { POLICIES } from "./policies/index.ts";

/** What one call of the benchmark was asked to do. */
export interface Options {
  readonly nodes: string | null;
  readonly pods: string | null;
  readonly mix: string | null;
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  /** Where to draw the policies, as given. */
  readonly chart: string | null;
  readonly json: boolean;
}

/** A command line the benchmark cannot follow; the message says what would do. */
export class OptionsError extends Error {
  readonly code = "OPTIONS_INVALID";
  readonly retryable = false;
}

/** More seeds than this are refused: a typing error would otherwise run for hours. */
export const SEEDS_MAX = 1_000;

const DEFAULT_SEEDS = "100-109";

export const USAGE = `usage: bench:packing [--policy NAME[,NAME…]|all] [--seeds A-B] [--nodes FILE] [--pods FILE] [--mix NAME] [--chart FILE] [--json]

  --policy  ${Object.keys(POLICIES).join(", ")} (default berth)
  --seeds   a range such as 100-109, or one seed (default ${DEFAULT_SEEDS})
  --nodes   node list in the openb format, plain or gzipped (default: the 1,213 GPU nodes of openb)
  --pods    task list in the openb format, plain or gzipped (default: the default list of openb)
  --mix     re-weight the list: ${MIX_NAMES.join(", ")}
  --chart   draws the policies to a file (SVG)
  --json    one JSON object per call instead of a table (an array for several policies)
`;

/** Reads the command line, refusing what it does not know. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args);
  const names = (values.policy ?? "berth").split(",");
  const policies = names.includes("all") ? Object.keys(POLICIES) : names;
  const unknown = policies.filter((name) => !Object.hasOwn(POLICIES, name));
  if (unknown.length > 0) throw new OptionsError(`no policy ${unknown.join(", ")}\n${USAGE}`);
  if (values.mix !== undefined && !MIX_NAMES.includes(values.mix)) {
    throw new OptionsError(`no mix ${values.mix}\n${USAGE}`);
  }
  return {
    nodes: values.nodes ?? null,
    pods: values.pods ?? null,
    mix: values.mix ?? null,
    policies,
    seeds: readSeeds(values.seeds ?? DEFAULT_SEEDS),
    chart: values.chart ?? null,
    json: values.json ?? false,
  };
}

const ARGUMENTS = {
  policy: { type: "string" },
  seeds: { type: "string" },
  nodes: { type: "string" },
  pods: { type: "string" },
  mix: { type: "string" },
  chart: { type: "string" },
  json: { type: "boolean" },
} as const;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: ARGUMENTS });
  } catch (cause) {
    throw new OptionsError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`, {
      cause,
    });
  }
}

function readSeeds(text: string): number[] {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  const count = last - first + 1;
  if (match === null || count < 1 || count > SEEDS_MAX) {
    throw new OptionsError(`--seeds ${text}: want A-B with A ≤ B, at most ${SEEDS_MAX} seeds`);
  }
  return Array.from({ length: count }, (_, index) => first + index);
}
