import { type LogFlags, withLog } from "../cluster/open-log.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { LogProgress } from "../output/log-progress.ts";

/** `berth log verify`: every entry, every snapshot. Exit code 1 when anything is wrong. */
export async function logVerify(context: Context, flags: LogFlags): Promise<ExitCode> {
  const { verifyLog } = await import("@berth/scheduler/log-tools");
  const progress = new LogProgress(context, "checked");
  const report = await withLog(context, flags, { create: false }, (log) =>
    verifyLog(log, ({ seq, last }) => progress.update(seq, last)),
  ).finally(() => progress.end());
  if (context.isJson) {
    context.printJson(report);
    return report.ok ? exitCodes.done : exitCodes.error;
  }
  const { out } = context.terminal;
  for (const { seq, snapshot, cause } of report.problems) {
    const where = snapshot === null ? `entry ${seq}` : `snapshot ${snapshot}`;
    context.print(`${out.paint("red", "wrong")}  ${where}: ${cause}`);
  }
  const { first, last, folded, snapshots, stateHash } = report;
  if (report.ok) {
    context.print(
      `${out.paint("green", "right")}  entries ${first} to ${last}, ${folded} of them folded; ${counted(snapshots, "snapshot")}`,
    );
    context.print(`state  ${stateHash ?? "-"}`);
  }
  return report.ok ? exitCodes.done : exitCodes.error;
}
