import { readFileSync } from "node:fs";
import type { AgentUsage, AllocationId } from "@berth/protocol";
import type { Clock } from "@berth/runtime";
import { type GroupCounters, groupRates } from "../core/cgroup/readings.ts";
import { type ProcessRow, sortByTask } from "../core/process-tree.ts";
import { cpuMillisBetween, type HostCounters, hostRates } from "../core/usage-rates.ts";
import { measureFileSystem } from "./discovery/file-systems.ts";
import { readMemory } from "./discovery/memory.ts";
import { readSys } from "./discovery/sys-files.ts";
import type { ProcessTable } from "./process-table.ts";
import type { TaskRun } from "./task-run.ts";

/** Ticks of /proc are hundredths of a second on every Linux. */
const MS_PER_TICK = 10;
const BYTES_PER_MIB = 1024 * 1024;

/** Measures the host and every task, from /proc and control groups alone. */
export class UsageMeter {
  readonly #table: ProcessTable;
  readonly #clock: Clock;
  readonly #stateFolder: string;
  readonly #interfaces: () => readonly string[];
  readonly #pageBytes = pageBytes();
  readonly #cpu = new Map<AllocationId, { atMs: number; cpuMs: number }>();
  readonly #groups = new Map<AllocationId, GroupCounters>();
  #host: HostCounters | null = null;

  constructor(options: {
    readonly table: ProcessTable;
    readonly clock: Clock;
    readonly stateFolder: string;
    readonly interfaces: () => readonly string[];
  }) {
    this.#table = options.table;
    this.#clock = options.clock;
    this.#stateFolder = options.stateFolder;
    this.#interfaces = options.interfaces;
  }

  async measure(tasks: readonly TaskRun[]): Promise<Pick<AgentUsage, "host" | "allocations">> {
    const counters = this.#readHost();
    const rates = hostRates(this.#host, counters);
    this.#host = counters;
    const { totalMiB, availableMiB } = readMemory();
    const disk = await measureFileSystem(this.#stateFolder);
    return {
      host: {
        ...rates,
        memoryMiB: totalMiB === null || availableMiB === null ? null : totalMiB - availableMiB,
        diskMiB: disk?.usedMiB ?? null,
        load1: Number.parseFloat(readSys("/proc/loadavg") ?? "") || 0,
      },
      allocations: this.#measureTasks(tasks),
    };
  }

  #measureTasks(tasks: readonly TaskRun[]): AgentUsage["allocations"] {
    const running = tasks.filter(({ phase }) => phase === "running" || phase === "stopping");
    const living = new Set(running.map((task) => task.allocation.allocationId));
    for (const id of this.#cpu.keys()) if (!living.has(id)) this.#cpu.delete(id);
    for (const id of this.#groups.keys()) if (!living.has(id)) this.#groups.delete(id);
    const grouped = running.flatMap((task) => this.#measureGroup(task) ?? []);
    return [
      ...grouped,
      ...this.#measureTrees(running.filter(({ processes }) => processes.group === null)),
    ];
  }

  #measureTrees(running: readonly TaskRun[]): AgentUsage["allocations"] {
    if (running.length === 0) return [];
    const { rows, markOf } = this.#table.snapshotForUsage();
    const trees = running.map(({ processes }) => processes.tree);
    const sorted = sortByTask(rows, trees, markOf);
    return running.map((task) => {
      const own = sorted.get(task.processes.mark) ?? [];
      if (own.length > 0) task.processes.remember(own);
      return this.#measureTask(task.allocation.allocationId, own);
    });
  }

  /** All of it from the control group: children that have ended are counted as well. */
  #measureGroup({ allocation, processes }: TaskRun): AgentUsage["allocations"][number] | null {
    if (processes.group === null) return null;
    const { cgroup } = processes.group;
    const { allocationId } = allocation;
    const now = cgroup.counters(this.#clock.monotonicMs());
    const rates = groupRates(this.#groups.get(allocationId), now);
    this.#groups.set(allocationId, now);
    return {
      allocationId,
      ...rates,
      memoryMiB: cgroup.memoryMiB(),
      processes: cgroup.pidsCurrent(),
    };
  }

  #measureTask(allocationId: AllocationId, own: readonly ProcessRow[]) {
    let ticks = 0;
    let pages = 0;
    for (const row of own) {
      ticks += row.cpuTicks;
      pages += row.residentPages;
    }
    const now = { atMs: this.#clock.monotonicMs(), cpuMs: ticks * MS_PER_TICK };
    const before = this.#cpu.get(allocationId);
    this.#cpu.set(allocationId, now);
    const memoryMiB = Math.round((pages * this.#pageBytes) / BYTES_PER_MIB);
    return {
      allocationId,
      cpuMillis: cpuMillisBetween(before, now),
      memoryMiB: this.#pageBytes === 0 ? null : memoryMiB,
      processes: own.length,
    };
  }

  #readHost(): HostCounters {
    const net = this.#readNetwork();
    return {
      atMs: this.#clock.monotonicMs(),
      busyMs: readBusyMs(),
      receivedBytes: net?.received ?? null,
      sentBytes: net?.sent ?? null,
    };
  }

  #readNetwork(): { received: number; sent: number } | null {
    const lines = (readSys("/proc/net/dev") ?? "").split("\n");
    const names = new Set(this.#interfaces());
    let found: { received: number; sent: number } | null = null;
    for (const line of lines) {
      const [name, counters] = line.split(":");
      if (name === undefined || counters === undefined || !names.has(name.trim())) continue;
      const fields = counters.trim().split(/\s+/);
      found ??= { received: 0, sent: 0 };
      found.received += Number(fields[0] ?? 0);
      found.sent += Number(fields[8] ?? 0);
    }
    return found;
  }
}

/** The first line of /proc/stat: everything but idle and waiting for disks. */
function readBusyMs(): number | null {
  const [first] = (readSys("/proc/stat") ?? "").split("\n");
  const ticks = first?.trim().split(/\s+/).slice(1).map(Number) ?? [];
  if (ticks.length < 8 || ticks.some((value) => !Number.isFinite(value))) return null;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = ticks;
  return (user + nice + system + irq + softirq + steal) * MS_PER_TICK;
}

/** The page size, from two views of this very process; 0 when it cannot be told. */
function pageBytes(): number {
  try {
    const sizeKiB = /^VmSize:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    const pages = Number.parseInt(readFileSync("/proc/self/statm", "utf8"), 10);
    return 2 ** Math.round(Math.log2((Number(sizeKiB) * 1024) / pages));
  } catch {
    return 0;
  }
}
