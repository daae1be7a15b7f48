import {
  describeEstimatedStart,
  describeFreedBy,
  describeNearestFit,
  describePending,
  describeRejection,
  describeSmallerFit,
  type NoFit,
  type PendingExplanation,
} from "@berth/protocol";
import { counted } from "./format-values.ts";
import { makeHarmless } from "./harmless-text.ts";
import type { TextStream } from "./terminal.ts";

/** Why something waits, in one line, and what is told below it. */
export function waitingLines(
  explanation: PendingExplanation,
  stream: TextStream,
  nowUnixMs: number,
): { readonly reason: string; readonly below: readonly string[] } {
  switch (explanation.reason) {
    case "no_fit":
      return {
        reason: noFitHead(explanation),
        below: noFitLines(explanation, stream, nowUnixMs),
      };
    case "gang": {
      const { noFit } = explanation;
      return {
        reason: makeHarmless(describePending({ ...explanation, noFit: null }, { nowUnixMs })),
        below: noFit === null ? [] : noFitLines(noFit, stream, nowUnixMs),
      };
    }
    default:
      return { reason: makeHarmless(describePending(explanation, { nowUnixMs })), below: [] };
  }
}

/** The line that says so. */
export function noFitHead({ nodesTotal }: NoFit): string {
  return nodesTotal === 0 ? "there are no nodes" : `fits none of ${counted(nodesTotal, "node")}`;
}

/**
 * Why nothing fits, below the line that says so: each node once, the nearest fits and what they
 * wait for, what would fit if it asked for less, and when it starts.
 */
export function noFitLines(noFit: NoFit, stream: TextStream, nowUnixMs: number): string[] {
  const { rejections, nearest, smaller = [], estimatedStartUnixMs = null } = noFit;
  const lines = rejections.map((rejection) => `  ${makeHarmless(describeRejection(rejection))}`);
  for (const fit of nearest) {
    const freed = fit.freedBy ? `, ${describeFreedBy(fit.freedBy, nowUnixMs)}` : "";
    lines.push(`  ${stream.paint("cyan", makeHarmless(describeNearestFit(fit) + freed))}`);
  }
  for (const fit of smaller) {
    lines.push(`  ${stream.paint("green", makeHarmless(describeSmallerFit(fit)))}`);
  }
  if (estimatedStartUnixMs !== null) {
    lines.push(`  ${describeEstimatedStart(estimatedStartUnixMs, nowUnixMs)}`);
  }
  return lines;
}
