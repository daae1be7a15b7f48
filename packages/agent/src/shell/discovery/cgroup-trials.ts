import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import type { Capability } from "@berth/protocol";
import { available, missing } from "../../core/hardware/capability.ts";
import { unescaped } from "./file-systems.ts";
import { listSys, readSys } from "./sys-files.ts";

/** Where cgroups are mounted. */
export interface CgroupMounts {
  /** Of version 2; null for none. */
  readonly unified: string | null;
  /** Of version 1, by controller. */
  readonly controllers: ReadonlyMap<string, string>;
}

/** What tasks are kept to by, with the file that sets the limit in version 2 and in version 1. */
const LIMITS = [
  ["cpu", "cpu.max", "cpu.cfs_quota_us"],
  ["cpuset", "cpuset.cpus", "cpuset.cpus"],
  ["memory", "memory.max", "memory.limit_in_bytes"],
  ["pids", "pids.max", "pids.max"],
  ["io", "io.max", "blkio.throttle.read_bps_device"],
] as const;
/** What version 2 calls otherwise. */
const OLD_NAMES: Readonly<Record<string, string>> = { io: "blkio" };

export function findCgroupMounts(mounts = "/proc/self/mounts"): CgroupMounts {
  let unified: string | null = null;
  const controllers = new Map<string, string>();
  for (const line of (readSys(mounts) ?? "").split("\n")) {
    const [, mount = "", type, options = ""] = line.split(" ").map(unescaped);
    if (type === "cgroup2") unified ??= mount;
    if (type !== "cgroup") continue;
    for (const option of options.split(",")) {
      if (!controllers.has(option)) controllers.set(option, mount);
    }
  }
  return { unified, controllers };
}

/** Each kind of limit, by making a group of its own and taking it away again. */
export function tryCgroups(mounts: CgroupMounts = findCgroupMounts()): Capability[] {
  const { unified, controllers } = mounts;
  const inUnified = unified === null ? [] : controllersOf(unified);
  return [
    versionTwo(unified, inUnified),
    controllers.size > 0 ? available("cgroup.v1") : missing("cgroup.v1", "it is not mounted"),
    ...LIMITS.map(([name, file, oldFile]): Capability => {
      const old = controllers.get(OLD_NAMES[name] ?? name);
      const folder = inUnified.includes(name) ? unified : old;
      const wanted = inUnified.includes(name) ? file : oldFile;
      if (folder === null || folder === undefined) {
        return missing(`cgroup.${name}`, "the kernel does not have it, or it is not mounted");
      }
      const isUnified = folder === unified;
      const reason = tryGroup(folder, wanted, isUnified ? name : null);
      return reason === null
        ? available(`cgroup.${name}`, isUnified ? "cgroup v2" : "cgroup v1")
        : missing(`cgroup.${name}`, reason);
    }),
  ];
}

function versionTwo(unified: string | null, controllers: readonly string[]): Capability {
  if (unified === null) return missing("cgroup.v2", "it is not mounted");
  return LIMITS.some(([limited]) => controllers.includes(limited))
    ? available("cgroup.v2", controllers.join(" "))
    : missing("cgroup.v2", `${unified} has no controllers of limits: version 1 has them`);
}

function controllersOf(folder: string): string[] {
  return (readSys(`${folder}/cgroup.controllers`) ?? "").split(" ").filter((name) => name !== "");
}

/** Null when a group could be made that has the file; else why not. */
function tryGroup(folder: string, file: string, controller: string | null): string | null {
  removeLeftovers(folder);
  const group = `${folder}/${TRIAL}${process.pid}`;
  try {
    mkdirSync(group);
  } catch (error) {
    return `no group can be made in ${folder} (${codeOf(error)})`;
  }
  try {
    if (existsSync(`${group}/${file}`)) return null;
    const enabled = controller === null ? "" : readQuietly(`${folder}/cgroup.subtree_control`);
    return controller !== null && !enabled.split(/\s+/).includes(controller)
      ? `${controller} is not enabled for the groups in ${folder}`
      : `a group in ${folder} has no ${file}`;
  } finally {
    rmdirSync(group);
  }
}

const TRIAL = "berth-trial-";

/** Of agents that were killed during a trial. */
function removeLeftovers(folder: string): void {
  for (const name of listSys(folder)) {
    if (!name.startsWith(TRIAL) || existsSync(`/proc/${name.slice(TRIAL.length)}`)) continue;
    try {
      rmdirSync(`${folder}/${name}`);
    } catch {
      // Another agent was faster.
    }
  }
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}
