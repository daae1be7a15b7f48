import type { WorkloadDetail, WorkloadId } from "@berth/protocol";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { LiveLines } from "../output/live-lines.ts";
import { progressText } from "../output/workload-text.ts";
import { findWorkload } from "./find-workload.ts";
import { waitForEvents } from "./wait-for-events.ts";

export interface Settled {
  readonly exitCode: ExitCode;
  /** The last that was seen of each; without those that were removed meanwhile. */
  readonly details: ReadonlyMap<string, WorkloadDetail>;
}

/**
 * Follows workloads until each is healthy or complete, or cannot be: failed, stopped or removed.
 * What waits for room is waited for, with its reason shown, until the time is up.
 */
export async function waitUntilSettled(
  context: Context,
  targets: readonly { readonly workload: WorkloadId; readonly version: number }[],
  timeoutMs: number,
): Promise<Settled> {
  const lines = new LiveLines(context.terminal.notes);
  const details = new Map<string, WorkloadDetail>();
  const only = targets.length === 1 ? (targets[0]?.workload ?? null) : null;
  const exitCode = await waitForEvents(context, { timeoutMs, workload: only }, async () => {
    for (const { workload } of targets) {
      const detail = await findWorkload(context, workload);
      if (detail) details.set(workload, detail);
      else details.delete(workload);
    }
    lines.update(targets.map(({ workload }) => `${workload}  ${textOf(details.get(workload))}`));
    const verdicts = targets.map(({ workload, version }) =>
      verdictOf(details.get(workload), version),
    );
    return verdicts.includes(null) ? null : worst(verdicts);
  }).finally(() => lines.end());
  return { exitCode: exitCode === exitCodes.timeout ? codeOfDelay(details) : exitCode, details };
}

function textOf(detail: WorkloadDetail | undefined): string {
  return detail ? progressText(detail) : "removed";
}

/** Null while nothing final can be said. */
function verdictOf(detail: WorkloadDetail | undefined, version: number): ExitCode | null {
  if (!detail) return exitCodes.blocked;
  if (detail.version < version) return null;
  switch (detail.status) {
    case "running":
      return detail.kind === "batch" ? null : exitCodes.done;
    case "complete":
      return exitCodes.done;
    case "failed":
      return exitCodes.error;
    case "degraded":
      return isGivenUp(detail) ? exitCodes.error : null;
    case "stopping":
    case "stopped":
      return exitCodes.blocked;
    case "pending":
    case "progressing":
      return null;
  }
}

/** One failure may be bad luck; as many as its restart rule allows within the window are not. */
function isGivenUp({ pendingGroups, spec }: WorkloadDetail): boolean {
  const retries = pendingGroups.flatMap(({ explanation }) =>
    explanation.reason === "backoff" ? [explanation.failures] : [],
  );
  return retries.length === 0 || Math.max(...retries) >= spec.restart.attempts;
}

function worst(verdicts: readonly (ExitCode | null)[]): ExitCode {
  if (verdicts.includes(exitCodes.error)) return exitCodes.error;
  return verdicts.includes(exitCodes.blocked) ? exitCodes.blocked : exitCodes.done;
}

/** What keeps failing, or does not fit, is a different answer from what is merely slow. */
function codeOfDelay(details: ReadonlyMap<string, WorkloadDetail>): ExitCode {
  const all = [...details.values()];
  if (all.some(({ status }) => status === "degraded")) return exitCodes.error;
  const hasNoRoom = all
    .flatMap(({ pendingGroups }) => pendingGroups)
    .some(({ explanation }) => explanation.reason === "no_fit");
  return hasNoRoom ? exitCodes.blocked : exitCodes.timeout;
}
