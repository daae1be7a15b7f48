import type { ProcessIdentity } from "../core/exit-status.ts";
import { type ProcessRow, sortByTask, type TaskTree } from "../core/process-tree.ts";
import type { Mark, ProcessTable } from "./process-table.ts";

/** The processes of one task: found by proof, signalled by identity. The shim is never one. */
export class TaskProcesses {
  readonly mark: Mark;
  readonly #table: ProcessTable;
  shim: ProcessIdentity | null = null;
  #known: ProcessIdentity[] = [];

  constructor(table: ProcessTable, mark: Mark) {
    this.#table = table;
    this.mark = mark;
  }

  get tree(): TaskTree<Mark> {
    return { id: this.mark, shim: this.shim, known: this.#known };
  }

  /** Whoever was proven once stays so by pid and start time, whatever it does to its environment. */
  remember(rows: readonly ProcessIdentity[]): void {
    this.#known = [...rows];
  }

  /** All that live now. */
  find(): ProcessRow[] {
    const { rows, markOf } = this.#table.snapshot();
    const found = sortByTask(rows, [this.tree], markOf).get(this.mark) ?? [];
    const others = this.shim === null ? found : found.filter((row) => row.pid !== this.shim?.pid);
    this.remember(others);
    return others;
  }

  /** Signals all that live now; how many there were. */
  signal(signal: NodeJS.Signals): number {
    const rows = this.find();
    for (const row of rows) {
      this.#table.signal(row, signal);
      // A stopped process takes no signal but SIGKILL until it goes on.
      if (signal !== "SIGKILL") this.#table.signal(row, "SIGCONT");
    }
    return rows.length;
  }
}
