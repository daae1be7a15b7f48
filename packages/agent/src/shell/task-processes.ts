import type { ProcessIdentity } from "../core/exit-status.ts";
import { type ProcessRow, sortByTask, type TaskTree } from "../core/process-tree.ts";
import type { TaskCgroup } from "./exec/task-cgroup.ts";
import type { Mark, ProcessTable } from "./process-table.ts";

/** The control group of a task, and how to be rid of it. */
export interface TaskGroup {
  readonly cgroup: TaskCgroup;
  /** False while something is in it. */
  release(): boolean;
}

/**
 * The processes of one task: those in its control group where it has one, else found by proof;
 * signalled by identity. The shim is never one.
 */
export class TaskProcesses {
  readonly mark: Mark;
  group: TaskGroup | null = null;
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
    const grouped = this.group === null ? [] : this.#findInGroup(this.group.cgroup);
    // Once the group is empty: one that runs as root may have put itself into another.
    return grouped.length > 0 ? grouped : this.#findByProof();
  }

  #findByProof(): ProcessRow[] {
    const { rows, markOf } = this.#table.snapshot();
    const found = sortByTask(rows, [this.tree], markOf).get(this.mark) ?? [];
    const others = this.shim === null ? found : found.filter((row) => row.pid !== this.shim?.pid);
    this.remember(others);
    return others;
  }

  /** Signals all that live now; how many there were. */
  signal(signal: NodeJS.Signals): number {
    const rows = this.find();
    if (signal === "SIGKILL") this.group?.cgroup.kill();
    for (const row of rows) {
      this.#table.signal(row, signal);
      // A stopped process takes no signal but SIGKILL until it goes on.
      if (signal !== "SIGKILL") this.#table.signal(row, "SIGCONT");
    }
    return rows.length;
  }

  /** Nothing runs, and in a control group nothing can come any more. */
  isGone(): boolean {
    return this.find().length === 0 && this.release();
  }

  release(): boolean {
    return this.group === null || this.group.release();
  }

  #findInGroup(cgroup: TaskCgroup): ProcessRow[] {
    const rows = cgroup.pids().flatMap((pid) => this.#table.find(pid) ?? []);
    if (rows.length > 0) this.remember(rows);
    return rows;
  }
}
