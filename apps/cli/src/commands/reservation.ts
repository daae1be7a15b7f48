import { formatDurationMs, type ReservationView } from "@berth/protocol";
import { newRequestId } from "../cluster/cluster-client.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes } from "../exit-codes.ts";
import { counted } from "../output/format-values.ts";
import { printList } from "../output/print-list.ts";

export interface ReserveOptions {
  readonly project: string;
  /** Unix milliseconds, or milliseconds from now. */
  readonly from: Moment | "now";
  readonly to: Moment;
  readonly gpus?: number;
  readonly constraint?: string[];
}

export type Moment = { readonly atUnixMs: number } | { readonly inMs: number };

/** `berth reserve`. */
export async function reserve(
  context: Context,
  nodes: number,
  { project, from, to, gpus, constraint }: ReserveOptions,
): Promise<ExitCode> {
  const nowUnixMs = Date.now();
  const reservation = {
    project,
    from: from === "now" ? nowUnixMs : unixMsOf(from, nowUnixMs),
    to: unixMsOf(to, nowUnixMs),
    nodes,
    ...(gpus === undefined ? {} : { gpus }),
    ...(constraint === undefined ? {} : { constraints: constraint }),
  };
  const requestId = newRequestId();
  const reply = await context.client.call("reservation.make", { requestId, reservation });
  const { id } = reply.reservation;
  if (context.isJson) context.printJson(reply);
  else if (context.format === "name") context.print(id);
  else context.print(`${id}  ${counted(nodes, "node")} for ${project}`);
  if (reply.nodesMatching < nodes) {
    context.note(`Only ${counted(reply.nodesMatching, "node")} of the cluster would do as yet.`);
  }
  return exitCodes.done;
}

export async function listReservations(context: Context): Promise<ExitCode> {
  const nowUnixMs = Date.now();
  const reply = await context.client.call("reservation.list", {});
  printList(context, {
    rows: reply.reservations,
    columns: [
      { title: "ID", value: ({ id }) => id },
      { title: "PROJECT", value: ({ project }) => project },
      { title: "STATE", value: ({ state }) => state },
      { title: "BEGINS", value: ({ fromUnixMs }) => timeText(fromUnixMs, nowUnixMs) },
      { title: "ENDS", value: ({ toUnixMs }) => timeText(toUnixMs, nowUnixMs) },
      { title: "NODES", value: nodesText, align: "right" },
      { title: "GPUS", value: ({ gpus }) => (gpus === 0 ? "-" : `≥${gpus}`), align: "right" },
      { title: "KEPT", value: ({ nodeNames }) => nodeNames.join(" ") || "-" },
      { title: "CONSTRAINTS", value: ({ constraints }) => constraints.join("; "), wide: true },
    ],
    name: ({ id }) => id,
    json: reply,
    empty: "No reservations. Make one with: berth reserve <nodes> --project <project> --to +2h",
  });
  return exitCodes.done;
}

export async function removeReservation(context: Context, reservation: string): Promise<ExitCode> {
  const requestId = newRequestId();
  const reply = await context.client.call("reservation.remove", { requestId, reservation });
  if (context.isJson) context.printJson(reply);
  else context.print(`${reply.reservation}  removed`);
  return exitCodes.done;
}

/** As many as are kept, of those that were asked for. */
function nodesText({ state, nodes, nodeNames }: ReservationView): string {
  return state === "planned" ? String(nodes) : `${nodeNames.length}/${nodes}`;
}

function unixMsOf(moment: Moment, nowUnixMs: number): number {
  return "atUnixMs" in moment ? moment.atUnixMs : nowUnixMs + moment.inMs;
}

/** `in 2h30m`, `5m ago`. */
export function timeText(unixMs: number, nowUnixMs: number): string {
  const leftMs = unixMs - nowUnixMs;
  return leftMs >= 0 ? `in ${formatDurationMs(leftMs)}` : `${formatDurationMs(-leftMs)} ago`;
}
