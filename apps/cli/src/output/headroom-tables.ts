import type { DimensionRoom, Headroom, RequestRoom } from "@berth/protocol";
import { dimensionNames, resourceTexts, roomText } from "./resources-text.ts";
import { type Column, renderTable } from "./table.ts";
import type { TextStream } from "./terminal.ts";

interface BeforeAfter<Room> {
  readonly before: Room;
  readonly after: Room;
}

/** What is free before and after, by dimension and by common request; dimensions nobody has are left out. */
export function headroomTables(stream: TextStream, before: Headroom, after: Headroom): string {
  const rooms = paired(before.dimensions, after.dimensions).filter(
    (room) => room.before.capacity > 0 || room.after.capacity > 0,
  );
  const requests = paired(before.requests, after.requests);
  const tables = [renderTable(stream, roomColumns, rooms)];
  if (requests.length > 0) tables.push(renderTable(stream, requestColumns, requests));
  return tables.join("\n");
}

function paired<Room>(before: readonly Room[], after: readonly Room[]): BeforeAfter<Room>[] {
  return before.flatMap((room, at) => {
    const then = after[at];
    return then === undefined ? [] : [{ before: room, after: then }];
  });
}

const roomColumns: readonly Column<BeforeAfter<DimensionRoom>>[] = [
  { title: "ROOM", value: ({ before }) => dimensionNames[before.dimension] },
  amountColumn("CAPACITY", "capacity"),
  amountColumn("FREE", "free"),
  amountColumn("LARGEST", "largest"),
  amountColumn("STRANDED", "stranded"),
];

function amountColumn(
  title: string,
  field: "capacity" | "free" | "largest" | "stranded",
): Column<BeforeAfter<DimensionRoom>> {
  const text = (room: DimensionRoom) => roomText(room.dimension, room[field]);
  return { title, value: ({ before, after }) => change(text(before), text(after)), align: "right" };
}

const requestColumns: readonly Column<BeforeAfter<RequestRoom>>[] = [
  { title: "REQUEST", value: ({ before }) => resourceTexts(before.resources).join(", ") },
  { title: "AS OF", value: ({ before }) => before.workload },
  { title: "WANTED", value: ({ before }) => counts(before.wanted), align: "right" },
  {
    title: "MORE FIT",
    value: ({ before, after }) => change(counts(before.fits), counts(after.fits)),
    align: "right",
  },
];

function counts(count: number): string {
  return count.toLocaleString("en");
}

function change(before: string, after: string): string {
  return before === after ? before : `${before} → ${after}`;
}
