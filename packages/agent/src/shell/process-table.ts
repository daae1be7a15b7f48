import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
import { isSameProcess, type ProcessIdentity } from "../core/exit-status.ts";
import { parseStat, type ProcessRow } from "../core/process-tree.ts";
import { agentLimits } from "../limits.ts";

const STAT_BYTES_MAX = 4_096;
/** Kernel threads are children of kthreadd, which has this pid; they have no environment. */
const KTHREADD_PID = 2;

/** `CLUSTER/ALLOCATION`: whose process it is, as its environment says. */
export type Mark = string;

export function markFor(clusterId: string, allocationId: string): Mark {
  return `${clusterId}/${allocationId}`;
}

export interface TableSnapshot {
  readonly rows: readonly ProcessRow[];
  /** Reads the environment at most once for each row. */
  markOf(row: ProcessRow): Mark | null;
}

/** The processes of this host, read from `/proc` without starting any. */
export class ProcessTable {
  readonly bootId: string;
  readonly #buffer = Buffer.alloc(agentLimits.environmentBytesReadMax);
  readonly #marks = new Map<number, { startTicks: number; mark: Mark | null }>();

  #current: TableSnapshot | null = null;

  constructor() {
    this.bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  }

  /**
   * Reads everything anew, once for all who ask in the same turn of the event loop: for deciding
   * what to kill.
   */
  snapshot(): TableSnapshot {
    if (this.#current !== null) return this.#current;
    this.#current = this.#takeSnapshot();
    setImmediate(() => {
      this.#current = null;
    });
    return this.#current;
  }

  #takeSnapshot(): TableSnapshot {
    const marks = new Map<number, Mark | null>();
    const markOf = (row: ProcessRow) => {
      const known = marks.get(row.pid);
      if (known !== undefined) return known;
      const mark = this.#readMark(row);
      marks.set(row.pid, mark);
      return mark;
    };
    return { rows: this.#readRows(), markOf };
  }

  /**
   * The same with marks remembered from earlier calls: for measuring. A process that took on a mark
   * after it was first seen, which only a new program does, is missed.
   */
  snapshotForUsage(): TableSnapshot {
    const rows = this.#readRows();
    const living = new Set(rows.map((row) => row.pid));
    for (const pid of this.#marks.keys()) if (!living.has(pid)) this.#marks.delete(pid);
    const markOf = (row: ProcessRow) => {
      const known = this.#marks.get(row.pid);
      if (known?.startTicks === row.startTicks) return known.mark;
      const mark = this.#readMark(row);
      this.#marks.set(row.pid, { startTicks: row.startTicks, mark });
      return mark;
    };
    return { rows, markOf };
  }

  /** The living process with this pid; null also for a zombie. */
  find(pid: number): ProcessRow | null {
    const text = this.#read(`/proc/${pid}/stat`, STAT_BYTES_MAX);
    const row = text === null ? null : parseStat(text.toString("latin1"));
    return row === null || row.state === "Z" ? null : row;
  }

  isAlive(identity: ProcessIdentity): boolean {
    const row = this.find(identity.pid);
    return row !== null && isSameProcess(row, identity);
  }

  /**
   * Signals the process unless its pid has gone to another. The check and the signal are two
   * system calls: between them a pid would have to be freed and go once around all pids.
   */
  signal(identity: ProcessIdentity, signal: NodeJS.Signals): void {
    if (identity.pid === process.pid || identity.pid <= 1 || !this.isAlive(identity)) return;
    try {
      process.kill(identity.pid, signal);
    } catch {
      // It ended meanwhile, or runs as another user now; the next look at the tree tells.
    }
  }

  #readRows(): ProcessRow[] {
    const rows: ProcessRow[] = [];
    for (const name of readdirSync("/proc")) {
      const first = name.charCodeAt(0);
      if (first < 48 || first > 57) continue;
      const text = this.#read(`/proc/${name}/stat`, STAT_BYTES_MAX);
      const row = text === null ? null : parseStat(text.toString("latin1"));
      if (row !== null) rows.push(row);
    }
    return rows;
  }

  #readMark(row: ProcessRow): Mark | null {
    if (row.parentPid === KTHREADD_PID || row.pid === KTHREADD_PID) return null;
    const environment = this.#read(`/proc/${row.pid}/environ`, this.#buffer.length);
    if (environment === null) return null;
    const allocationId = valueIn(environment, "BERTH_ALLOC_ID=");
    const clusterId = valueIn(environment, "BERTH_CLUSTER_ID=");
    return allocationId === null || clusterId === null ? null : markFor(clusterId, allocationId);
  }

  /** A view of the shared buffer, good until the next read; null when the process is gone. */
  #read(file: string, bytesMax: number): Buffer | null {
    let descriptor: number;
    try {
      descriptor = openSync(file, "r");
    } catch {
      return null;
    }
    try {
      let length = 0;
      while (length < bytesMax) {
        const got = readSync(descriptor, this.#buffer, length, bytesMax - length, null);
        if (got === 0) break;
        length += got;
        if (bytesMax === STAT_BYTES_MAX) break; // one read is the whole line
      }
      return this.#buffer.subarray(0, length);
    } catch {
      return null;
    } finally {
      closeSync(descriptor);
    }
  }
}

/** The value of a variable in the NUL-separated list of a process's environment. */
function valueIn(environment: Buffer, assignment: string): string | null {
  let at = environment.indexOf(assignment, 0, "latin1");
  while (at > 0 && environment[at - 1] !== 0)
    at = environment.indexOf(assignment, at + 1, "latin1");
  if (at < 0) return null;
  const from = at + assignment.length;
  const end = environment.indexOf(0, from);
  return environment.toString("latin1", from, end < 0 ? environment.length : end);
}
