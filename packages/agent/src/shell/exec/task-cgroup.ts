import { existsSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  type DiskBytes,
  type GroupCounters,
  numberAfter,
  parseIoStat,
  parseServiceBytes,
} from "../../core/cgroup/readings.ts";
import { agentLimits } from "../../limits.ts";
import { readSys, readSysNumber } from "../discovery/sys-files.ts";
import { isAbsence } from "../durable-file.ts";

const BYTES_PER_MIB = 1024 * 1024;
const NS_PER_MS = 1_000_000;
const US_PER_MS = 1_000;

/**
 * The control group of one task: a folder in each tree, that of version 2 first where there is one.
 * All it does, it does by looking at what is in those folders, so that an agent which finds them in
 * a record needs to know nothing else. In a group that is gone there is nothing.
 */
export class TaskCgroup {
  readonly folders: readonly string[];

  constructor(folders: readonly string[]) {
    this.folders = folders;
  }

  /** A process that writes `0` into each, in this order, becomes a member. */
  get joinFiles(): string[] {
    return this.folders.map((folder) => {
      // A thread that moves itself alone need not hold up every fork of the machine.
      const tasks = path.join(folder, "tasks");
      return existsSync(tasks) ? tasks : path.join(folder, "cgroup.procs");
    });
  }

  /** Its processes, those of groups below it included. */
  pids(): number[] {
    const [first] = this.folders;
    return first === undefined ? [] : [...pidsBelow(first, agentLimits.cgroupDepthMax)];
  }

  /** SIGKILL to all of it at once: none can fork its way out. */
  kill(): void {
    const isKilled = this.folders.some((folder) => tryWrite(`${folder}/cgroup.kill`, "1"));
    const freezer = isKilled ? null : this.#file("freezer.state");
    if (freezer !== null) tryWrite(freezer, "FROZEN");
    // Also whoever moved itself out of some of its folders.
    for (const folder of this.folders) {
      for (const pid of pidsBelow(folder, agentLimits.cgroupDepthMax)) tryKill(pid);
    }
    if (freezer !== null) tryWrite(freezer, "THAWED");
  }

  /** True when it is gone, and nothing can join it any more; false while something is in it. */
  remove(): boolean {
    const left = this.folders.filter((folder) => !removeBelow(folder, agentLimits.cgroupDepthMax));
    if (left.length > 0) return false;
    for (const folder of this.folders) removeBelow(path.dirname(folder), 0); // goes with the last
    return true;
  }

  /** How often the kernel killed a process of it for memory; 0 also where that is not counted. */
  oomKills(): number {
    return (
      this.#word("memory.events", "oom_kill") ?? this.#word("memory.oom_control", "oom_kill") ?? 0
    );
  }

  /** Whether it has ever used up its memory. */
  isAtMemoryLimit(): boolean {
    const times = this.#word("memory.events", "max");
    if (times !== null) return times > 0;
    // Newer kernels do not count failures in `memory.failcnt` of version 1 any more.
    const mostBytes = this.#number("memory.max_usage_in_bytes") ?? 0;
    const limitBytes = this.#number("memory.limit_in_bytes");
    return limitBytes !== null && mostBytes > limitBytes - BYTES_PER_MIB;
  }

  /** Counted since it was made. */
  counters(atMs: number): GroupCounters {
    const cpuUs = this.#word("cpu.stat", "usage_usec");
    const cpuNs = this.#number("cpuacct.usage");
    const throttledUs = this.#word("cpu.stat", "throttled_usec");
    const throttledNs = this.#word("cpu.stat", "throttled_time");
    return {
      atMs,
      cpuMs: scaled(cpuUs, US_PER_MS) ?? scaled(cpuNs, NS_PER_MS),
      throttledMs: scaled(throttledUs, US_PER_MS) ?? scaled(throttledNs, NS_PER_MS),
      disk: this.#diskBytes(),
    };
  }

  /** What it holds and cannot be taken back, as files that were only read can. */
  memoryMiB(): number | null {
    const bytes = this.#number("memory.current") ?? this.#number("memory.usage_in_bytes");
    if (bytes === null) return null;
    const cached =
      this.#word("memory.stat", "total_inactive_file") ??
      this.#word("memory.stat", "inactive_file");
    return Math.round(Math.max(0, bytes - (cached ?? 0)) / BYTES_PER_MIB);
  }

  /** Processes and threads. */
  pidsCurrent(): number | null {
    return this.#number("pids.current");
  }

  #diskBytes(): DiskBytes | null {
    const stat = this.#file("io.stat");
    if (stat !== null) return parseIoStat(readSys(stat) ?? "");
    const serviced = this.#file("blkio.throttle.io_service_bytes_recursive");
    return serviced === null ? null : parseServiceBytes(readSys(serviced) ?? "");
  }

  #file(name: string): string | null {
    const files = this.folders.map((folder) => path.join(folder, name));
    return files.find((file) => existsSync(file)) ?? null;
  }

  #number(name: string): number | null {
    const file = this.#file(name);
    return file === null ? null : readSysNumber(file);
  }

  /** Files of one name in several trees tell different things. */
  #word(name: string, word: string): number | null {
    for (const folder of this.folders) {
      const value = numberAfter(readSys(path.join(folder, name)), word);
      if (value !== null) return value;
    }
    return null;
  }
}

function scaled(value: number | null, divisor: number): number | null {
  return value === null ? null : value / divisor;
}

function subfolders(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => path.join(folder, name));
  } catch {
    return [];
  }
}

function pidsBelow(folder: string, depth: number): Set<number> {
  const text = readSys(path.join(folder, "cgroup.procs")) ?? "";
  const pids = new Set(text.split("\n").map(Number).filter(Boolean));
  if (depth === 0) return pids;
  for (const below of subfolders(folder)) {
    for (const pid of pidsBelow(below, depth - 1)) pids.add(pid);
  }
  return pids;
}

/** Groups that a task made below its own go with it. */
function removeBelow(folder: string, depth: number): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (cause) {
    if (isAbsence(cause)) return true;
  }
  if (depth === 0) return false;
  const below = subfolders(folder);
  if (below.length === 0 || !below.every((each) => removeBelow(each, depth - 1))) return false;
  return removeBelow(folder, 0);
}

function tryWrite(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: "r+" });
    return true;
  } catch {
    return false; // the kernel does not know the file, or the group is gone
  }
}

function tryKill(pid: number): void {
  if (pid <= 1 || pid === process.pid) return;
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended.
  }
}
