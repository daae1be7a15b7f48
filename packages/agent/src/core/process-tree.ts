import { isSameProcess, type ProcessIdentity } from "./exit-status.ts";

/** One line of the process table: `/proc/<pid>/stat`. */
export interface ProcessRow extends ProcessIdentity {
  readonly parentPid: number;
  readonly session: number;
  /** One letter: R, S, D, Z (zombie), T (stopped) and so on. */
  readonly state: string;
  /** User and system time of the process and of its children that it has waited for. */
  readonly cpuTicks: number;
  readonly residentPages: number;
}

/** Parses `/proc/<pid>/stat`; null when it is not one. The name may hold spaces and brackets. */
export function parseStat(text: string): ProcessRow | null {
  const nameEnd = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  if (nameEnd < 0 || !Number.isInteger(pid)) return null;
  const fields = text.slice(nameEnd + 2).split(" ");
  // fields[0] is field 3 of proc(5), the state.
  const number = (field: number) => Number(fields[field - 3]);
  const row = {
    pid,
    state: fields[0] ?? "?",
    parentPid: number(4),
    session: number(6),
    cpuTicks: number(14) + number(15) + number(16) + number(17),
    startTicks: number(22),
    residentPages: number(24),
  };
  return Number.isFinite(row.startTicks + row.parentPid + row.session) ? row : null;
}

/** What proves that a process is a task's. */
export interface TaskTree<Id> {
  readonly id: Id;
  /** The shim leads the task's session and is never itself part of the tree. */
  readonly shim: ProcessIdentity | null;
  /** The task's main process and others once seen to be the task's. */
  readonly known: readonly ProcessIdentity[];
}

/**
 * Sorts living processes by the task they belong to. Proof is one of:
 *
 * 1. it is the shim or a known process, by pid and start time;
 * 2. its environment carries the allocation's mark (finds daemons that left the session);
 * 3. it is in the shim's session, and some process there is proven by 1 or 2. A session's number
 *    is not reused while any of its processes lives, so one proven member vouches for the others;
 * 4. its parent is proven.
 *
 * A stranger that got a reused pid has none of these.
 */
export function sortByTask<Id>(
  table: readonly ProcessRow[],
  tasks: readonly TaskTree<Id>[],
  markOf: (row: ProcessRow) => Id | null,
): Map<Id, ProcessRow[]> {
  const byPid = new Map(table.map((row) => [row.pid, row]));
  const owners = new Map<number, Id | null>();
  const sessions = new Map<number, Id>();
  const sessionOf = new Map(tasks.map((task) => [task.id, task.shim?.pid ?? null]));
  const shims = new Set<number>();

  const prove = (row: ProcessRow, id: Id) => {
    owners.set(row.pid, id);
    if (row.session === sessionOf.get(id)) sessions.set(row.session, id);
  };
  for (const task of tasks) {
    for (const identity of task.shim === null ? task.known : [task.shim, ...task.known]) {
      const row = byPid.get(identity.pid);
      if (row === undefined || !isSameProcess(row, identity)) continue;
      if (identity === task.shim) shims.add(row.pid);
      prove(row, task.id);
    }
  }
  for (const row of table) {
    if (owners.has(row.pid)) continue;
    const mark = markOf(row);
    if (mark !== null && sessionOf.has(mark)) prove(row, mark);
  }

  const ownerOf = (row: ProcessRow): Id | null => {
    const found = owners.get(row.pid);
    if (found !== undefined) return found;
    owners.set(row.pid, null); // a cycle, which a table read over some time can show, ends here
    const parent = byPid.get(row.parentPid);
    const owner = sessions.get(row.session) ?? (parent === undefined ? null : ownerOf(parent));
    owners.set(row.pid, owner);
    return owner;
  };
  const sorted = new Map<Id, ProcessRow[]>(tasks.map((task) => [task.id, []]));
  for (const row of table) {
    const owner = ownerOf(row);
    if (owner !== null && !shims.has(row.pid) && row.state !== "Z") sorted.get(owner)?.push(row);
  }
  return sorted;
}
