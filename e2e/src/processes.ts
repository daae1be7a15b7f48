import { readdirSync, readFileSync } from "node:fs";

/** A process as the kernel names it: a pid alone may by now belong to a stranger. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, in clock ticks since boot. */
  readonly startTicks: string;
}

export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null || stat.state === "Z" ? null : { pid, startTicks: stat.startTicks };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Every process that carries the given variable in the environment it was started with. */
export function processesWithEnvironment(name: string, value: string): ProcessIdentity[] {
  const wanted = `${name}=${value}`;
  return processIds().flatMap((pid) => {
    const environment = readFile(`/proc/${pid}/environ`);
    if (environment === null || !environment.split("\0").includes(wanted)) return [];
    const identity = identify(pid);
    return identity === null ? [] : [identity];
  });
}

/** A process and all that descends from it, leaves last. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of processIds()) {
    const parent = readStat(pid)?.parent;
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

export function commandLine(pid: number): string {
  return (readFile(`/proc/${pid}/cmdline`) ?? "").split("\0").join(" ").trim();
}

/** Resident memory in MiB and processor time used so far in milliseconds; null when it is gone. */
export function processUsage(pid: number): { residentMiB: number; cpuMs: number } | null {
  const stat = readStat(pid);
  const status = readFile(`/proc/${pid}/status`);
  const resident = status === null ? null : /^VmRSS:\s+(\d+) kB$/m.exec(status);
  if (stat === null || resident === null) return null;
  return { residentMiB: Number(resident[1]) / 1024, cpuMs: stat.cpuTicks * 10 };
}

function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function readStat(pid: number) {
  const text = readFile(`/proc/${pid}/stat`);
  if (text === null) return null;
  // The command may hold spaces and brackets: fields are counted from its closing one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    startTicks: fields[19] ?? "",
    cpuTicks: Number(fields[11]) + Number(fields[12]),
  };
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
