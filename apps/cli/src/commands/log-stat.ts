import type { LogReport, SnapshotReport } from "@berth/scheduler/log-tools";
import { type LogFlags, withLog } from "../cluster/open-log.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { age, counted, formatBytes } from "../output/format-values.ts";
import { type Column, renderTable } from "../output/table.ts";

/** `berth log stat`: the log in numbers. */
export async function logStat(context: Context, flags: LogFlags): Promise<ExitCode> {
  const { statLog } = await import("@berth/scheduler/log-tools");
  const report = await withLog(context, flags, { create: false }, statLog);
  if (context.isJson) context.printJson(report);
  else print(context, report);
  return report.snapshots.every(({ problem }) => problem === null)
    ? exitCodes.done
    : exitCodes.error;
}

function print(context: Context, report: LogReport): void {
  const { out } = context.terminal;
  const { first, last, entries, bytes, oldestAtUnixMs, newestAtUnixMs, snapshots } = report;
  const row = (name: string, text: string) =>
    context.print(`${out.paint("dim", name.padEnd(9))}  ${text}`);
  const nowUnixMs = Date.now();
  row("entries", entries === 0 ? "none" : `${first} to ${last}, ${formatBytes(bytes)}`);
  row("oldest", age(oldestAtUnixMs, nowUnixMs));
  row("newest", age(newestAtUnixMs, nowUnixMs));
  row(
    "snapshots",
    snapshots.length === 0 ? "none yet" : counted(snapshots.length, "copy", "copies"),
  );
  if (snapshots.length > 0) out.write(`\n${renderTable(out, columns(nowUnixMs), snapshots)}`);
}

function columns(nowUnixMs: number): Column<SnapshotReport>[] {
  const number = (value: number | null) => (value === null ? "-" : String(value));
  return [
    { title: "SNAPSHOT", value: ({ id }) => id },
    { title: "AFTER", value: ({ seq }) => number(seq), align: "right" },
    { title: "CHUNKS", value: ({ chunks }) => number(chunks), align: "right" },
    {
      title: "SIZE",
      value: ({ bytes }) => (bytes === null ? "-" : formatBytes(bytes)),
      align: "right",
    },
    { title: "AGE", value: ({ takenAtUnixMs }) => age(takenAtUnixMs, nowUnixMs), align: "right" },
    {
      title: "STATE",
      value: ({ problem }) => problem ?? "whole",
      style: ({ problem }) => (problem === null ? "green" : "red"),
    },
    { title: "WHERE", value: ({ store }) => store },
  ];
}
