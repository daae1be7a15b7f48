import { formatDurationMs, type WorkloadSpec } from "@berth/protocol";
import { counted } from "./format-values.ts";
import { resourceTexts } from "./resources-text.ts";

/** What one instance asks for, biggest worry first. */
export function needsText({ resources, ports }: WorkloadSpec): string {
  const count = Object.keys(ports).length;
  return [...resourceTexts(resources), ...(count > 0 ? [counted(count, "port")] : [])].join(", ");
}

/** The rules about where it may go, and when; null when there are none. */
export function rulesText({ constraints, placement = {} }: WorkloadSpec): string | null {
  const { pool, tolerations, affinities, spread, distinct, colocate, gang, timeLimitMs } =
    placement;
  const parts = [
    ...(pool === undefined ? [] : [`in pool ${pool}`]),
    ...constraints,
    ...(distinct ?? []).map(({ by, max }) => `at most ${max} for each ${by}`),
    ...(colocate ?? []).map(({ workload, by }) => `where ${workload} is, by ${by}`),
    ...(gang === undefined
      ? []
      : [`all at once${gang.within === null ? "" : `, within one ${gang.within}`}`]),
    ...(spread ?? []).map(({ by }) => `spread over ${by}`),
    ...(affinities ?? []).map(
      ({ expression, weight }) => `${weight < 0 ? "rather not" : "rather"} ${expression}`,
    ),
    ...(tolerations === undefined ? [] : [`tolerates ${tolerations.join(", ")}`]),
    ...(timeLimitMs === undefined ? [] : [`for at most ${formatDurationMs(timeLimitMs)}`]),
  ];
  return parts.length === 0 ? null : parts.join("; ");
}
