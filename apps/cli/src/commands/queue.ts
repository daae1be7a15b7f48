import { describePending, type QueueEntry } from "@berth/protocol";
import { listAll } from "../cluster/list-all.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { age } from "../output/format-values.ts";
import { printList } from "../output/print-list.ts";
import type { Column } from "../output/table.ts";
import { percentText } from "./project.ts";
import { timeText } from "./reservation.ts";

/** `berth queue`. */
export async function queue(context: Context, project: string | null): Promise<ExitCode> {
  const reply = await listAll(context.client, "queue.list", { project });
  printList(context, {
    rows: reply.entries,
    columns: queueColumns(Date.now()),
    name: ({ workload }) => workload,
    json: reply,
    empty: "Nothing waits for room.",
  });
  return exitCodes.done;
}

function queueColumns(nowUnixMs: number): Column<QueueEntry>[] {
  return [
    { title: "#", value: ({ position }) => String(position), align: "right" },
    { title: "WORKLOAD", value: ({ workload }) => workload },
    { title: "WAIT", value: ({ waiting }) => String(waiting), align: "right" },
    { title: "PRIORITY", value: ({ priority, band }) => `${priority} ${band}` },
    { title: "SHARE", value: ({ sharePpm }) => percentText(sharePpm), align: "right" },
    { title: "WEIGHT", value: ({ weight }) => String(weight), align: "right", wide: true },
    {
      title: "STARTS",
      value: ({ estimatedStartUnixMs }) =>
        estimatedStartUnixMs === null ? "-" : timeText(estimatedStartUnixMs, nowUnixMs),
    },
    {
      title: "AGE",
      value: ({ submittedAtUnixMs }) => age(submittedAtUnixMs, nowUnixMs),
      align: "right",
    },
    { title: "REASON", value: ({ explanation }) => describePending(explanation, { nowUnixMs }) },
  ];
}
