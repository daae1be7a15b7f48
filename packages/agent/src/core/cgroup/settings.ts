import { type Grant, limits, type TaskLimits } from "@berth/protocol";
import type { Controller } from "./hierarchies.ts";

/** What one task is kept to. */
export interface TaskBounds {
  /** Its part of busy processors. */
  readonly cpuMillis: number;
  /** Null: whatever is idle. */
  readonly cpuMillisMax: number | null;
  /** It is the last to lose these. */
  readonly memoryMiB: number;
  readonly memoryMiBMax: number;
  readonly pidsMax: number;
  /** Each second and disk; null: no bound. */
  readonly diskReadMiB: number | null;
  readonly diskWriteMiB: number | null;
  readonly diskWeight: number | null;
  /** `MAJOR:MINOR` of every disk of the node. */
  readonly disks: readonly string[];
  /** `c MAJOR:MINOR` of devices that it must not open. */
  readonly deniedDevices: readonly string[];
}

/** Text to be written into a file of a group. Optional: not every kernel has the file. */
export interface Setting {
  readonly file: string;
  readonly text: string;
  readonly isOptional: boolean;
}

/** From the grant, and what the workload says beside it. */
export function boundsOf(
  granted: Grant,
  asked: TaskLimits = {},
  host: Pick<TaskBounds, "disks" | "deniedDevices">,
): TaskBounds {
  return {
    cpuMillis: granted.cpuMillis,
    cpuMillisMax: asked.cpuMillis ?? null,
    memoryMiB: granted.memoryMiB,
    memoryMiBMax: Math.max(granted.memoryMiB, asked.memoryMiB ?? 0),
    pidsMax: asked.pids ?? limits.taskPidsDefault,
    diskReadMiB: asked.diskReadMiB ?? null,
    diskWriteMiB: asked.diskWriteMiB ?? null,
    diskWeight: asked.diskWeight ?? null,
    ...host,
  };
}

const BYTES_PER_MIB = 1024 * 1024;
const CPU_PERIOD_US = 100_000;
const MILLIS_PER_CPU = 1_000;
/** The kernel's bounds of `cpu.shares` and `cpu.weight`, and of a quota. */
const SHARES = { perCpu: 1_024, min: 2, max: 262_144 } as const;
const WEIGHT = { perCpu: 100, min: 1, max: 10_000 } as const;
const CPU_QUOTA_US_MIN = 1_000;

/** What is written for one controller. In this order: a limit may depend on the one before. */
export function settingsOf(
  controller: Controller,
  version: 1 | 2,
  bounds: TaskBounds,
): readonly Setting[] {
  switch (controller) {
    case "cpu":
      return version === 1 ? cpuV1(bounds) : cpuV2(bounds);
    case "memory":
      return version === 1 ? memoryV1(bounds) : memoryV2(bounds);
    case "pids":
      return [must("pids.max", String(bounds.pidsMax))];
    case "io":
      return version === 1 ? ioV1(bounds) : ioV2(bounds);
    case "devices":
      return bounds.deniedDevices.map((device) => must("devices.deny", `${device} rwm`));
    case "cpuacct": // only counts
    case "cpuset": // set apart: it changes while the task runs
      return [];
  }
}

/** The part of busy processors of a group with so many thousandths. */
export function cpuShareOf(version: 1 | 2, millis: number): Setting {
  const { perCpu, min, max } = version === 1 ? SHARES : WEIGHT;
  const share = Math.round((millis * perCpu) / MILLIS_PER_CPU);
  const text = String(Math.min(max, Math.max(min, share)));
  return must(version === 1 ? "cpu.shares" : "cpu.weight", text);
}

function cpuV1({ cpuMillis, cpuMillisMax }: TaskBounds): Setting[] {
  const share = cpuShareOf(1, cpuMillis);
  if (cpuMillisMax === null) return [share];
  return [
    share,
    must("cpu.cfs_period_us", String(CPU_PERIOD_US)),
    must("cpu.cfs_quota_us", String(quotaUs(cpuMillisMax))),
  ];
}

function cpuV2({ cpuMillis, cpuMillisMax }: TaskBounds): Setting[] {
  const share = cpuShareOf(2, cpuMillis);
  if (cpuMillisMax === null) return [share];
  return [share, must("cpu.max", `${quotaUs(cpuMillisMax)} ${CPU_PERIOD_US}`)];
}

function quotaUs(millis: number): number {
  return Math.max(CPU_QUOTA_US_MIN, (millis * CPU_PERIOD_US) / MILLIS_PER_CPU);
}

/** Swap counts as well where the kernel accounts for it: a limit that swaps is none. */
function memoryV1({ memoryMiB, memoryMiBMax }: TaskBounds): Setting[] {
  const most = String(memoryMiBMax * BYTES_PER_MIB);
  return [
    must("memory.limit_in_bytes", most),
    may("memory.memsw.limit_in_bytes", most),
    may("memory.soft_limit_in_bytes", String(memoryMiB * BYTES_PER_MIB)),
  ];
}

function memoryV2({ memoryMiB, memoryMiBMax }: TaskBounds): Setting[] {
  return [
    must("memory.max", String(memoryMiBMax * BYTES_PER_MIB)),
    may("memory.swap.max", "0"),
    may("memory.low", String(memoryMiB * BYTES_PER_MIB)),
    // All of it goes when one of its processes has to: what is left would not be what was asked for.
    may("memory.oom.group", "1"),
  ];
}

function ioV1(bounds: TaskBounds): Setting[] {
  const { disks, diskReadMiB, diskWriteMiB, diskWeight } = bounds;
  const throttle = (file: string, mib: number | null) =>
    mib === null ? [] : disks.map((disk) => must(file, `${disk} ${mib * BYTES_PER_MIB}`));
  return [
    ...throttle("blkio.throttle.read_bps_device", diskReadMiB),
    ...throttle("blkio.throttle.write_bps_device", diskWriteMiB),
    ...(diskWeight === null ? [] : [may("blkio.bfq.weight", String(diskWeight))]),
  ];
}

function ioV2({ disks, diskReadMiB, diskWriteMiB, diskWeight }: TaskBounds): Setting[] {
  const parts = [
    ...(diskReadMiB === null ? [] : [`rbps=${diskReadMiB * BYTES_PER_MIB}`]),
    ...(diskWriteMiB === null ? [] : [`wbps=${diskWriteMiB * BYTES_PER_MIB}`]),
  ];
  const limited = parts.length === 0 ? [] : disks;
  return [
    ...limited.map((disk) => must("io.max", `${disk} ${parts.join(" ")}`)),
    ...(diskWeight === null
      ? []
      : [may("io.weight", `default ${diskWeight}`), may("io.bfq.weight", `default ${diskWeight}`)]),
  ];
}

function must(file: string, text: string): Setting {
  return { file, text, isOptional: false };
}

function may(file: string, text: string): Setting {
  return { file, text, isOptional: true };
}
