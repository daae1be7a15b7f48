import type { Context } from "../context.ts";
import { type Column, renderTable } from "./table.ts";

export interface List<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  /** What `-o name` prints for each. */
  readonly name: (row: Row) => string;
  /** What `--json` prints: the cluster's answer as it came. */
  readonly json: unknown;
  /** Said instead of an empty table. */
  readonly empty: string;
}

/** Prints a list in the format that was asked for. */
export function printList<Row>(context: Context, list: List<Row>): void {
  const { out } = context.terminal;
  switch (context.format) {
    case "json":
      context.printJson(list.json);
      return;
    case "jsonl":
      for (const row of list.rows) context.printJson(row);
      return;
    case "name":
      for (const row of list.rows) context.print(list.name(row));
      return;
    case "table":
    case "wide": {
      if (list.rows.length === 0) {
        context.note(list.empty);
        return;
      }
      const columns = list.columns.filter((column) => context.format === "wide" || !column.wide);
      out.write(renderTable(out, columns, list.rows));
    }
  }
}
