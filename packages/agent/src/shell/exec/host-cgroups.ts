import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import {
  type Controller,
  controllers,
  hierarchiesOf,
  type Hierarchy,
  hierarchyWith,
} from "../../core/cgroup/hierarchies.ts";
import {
  cpuShareOf,
  type Setting,
  settingsOf,
  type TaskBounds,
} from "../../core/cgroup/settings.ts";
import { errnoOf, isAbsence } from "../durable-file.ts";
import { readSys } from "../discovery/sys-files.ts";
import { TaskCgroup } from "./task-cgroup.ts";

/** The group in each tree under which all tasks of this host are. */
const PARENT = "berth";
const MILLIS_PER_CPU = 1_000;

/** The trees of control groups of this host, as far as the agent may use them. */
export class HostCgroups {
  readonly hierarchies: readonly Hierarchy[];

  constructor(hierarchies: readonly Hierarchy[]) {
    this.hierarchies = hierarchies;
  }

  static find(mountinfo = readSys("/proc/self/mountinfo") ?? ""): HostCgroups {
    const offered = (mount: string) =>
      (readSys(path.join(mount, "cgroup.controllers")) ?? "").split(" ");
    return new HostCgroups(hierarchiesOf(mountinfo, offered));
  }

  /** Where a task of that name has its folders; nothing is made. */
  at(name: string): TaskCgroup {
    return new TaskCgroup(this.hierarchies.map(({ mount }) => path.join(mount, PARENT, name)));
  }

  /** Names of all groups of tasks, of other agents as well. */
  names(): string[] {
    const found = this.hierarchies.flatMap(({ mount }) => {
      try {
        return readdirSync(path.join(mount, PARENT), { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .map(({ name }) => name);
      } catch {
        return []; // no task has been there yet
      }
    });
    return [...new Set(found)];
  }

  /** Makes a task's folders and sets what it is kept to. Throws where the kernel refuses. */
  create(name: string, bounds: TaskBounds): TaskCgroup {
    const cgroup = this.at(name);
    for (const [index, hierarchy] of this.hierarchies.entries()) {
      const folder = cgroup.folders[index] ?? "";
      this.#make(hierarchy, folder, bounds);
    }
    return cgroup;
  }

  /** The processors and memory nodes that a task may use; null where that cannot be set. */
  place(cgroup: TaskCgroup, processors: string, memoryNodes: string | null): void {
    const folder = this.#folderOf(cgroup, "cpuset");
    if (folder === null) return;
    const nodes = memoryNodes ?? readSys(path.join(folder, "..", "cpuset.mems"));
    write(folder, [
      { file: "cpuset.cpus", text: processors, isOptional: false },
      ...(nodes === null ? [] : [{ file: "cpuset.mems", text: nodes, isOptional: false }]),
    ]);
  }

  /** What may be used of the host's processors, as a list; null where that cannot be set. */
  processors(): string | null {
    const hierarchy = hierarchyWith(this.hierarchies, "cpuset");
    if (hierarchy === null) return null;
    const names = ["cpuset.cpus.effective", "cpuset.effective_cpus", "cpuset.cpus"];
    const lists = names.map((name) => readSys(path.join(hierarchy.mount, name)));
    return lists.find((list) => list !== null) ?? null;
  }

  /** Tries each controller: why those that fail do. */
  tryOut(name: string, bounds: TaskBounds): Map<Controller, string> {
    const failures = new Map<Controller, string>();
    const cgroup = this.at(name);
    for (const controller of controllers) {
      const index = this.hierarchies.findIndex((each) => each.controllers.includes(controller));
      const hierarchy = this.hierarchies[index];
      if (hierarchy === undefined) {
        failures.set(controller, "the kernel offers no such controller");
        continue;
      }
      try {
        const folder = cgroup.folders[index] ?? "";
        this.#make(hierarchy, folder, bounds, controller);
      } catch (cause) {
        failures.set(controller, refusalOf(cause, hierarchy.mount));
      }
    }
    cgroup.remove();
    return failures;
  }

  #folderOf(cgroup: TaskCgroup, controller: Controller): string | null {
    const index = this.hierarchies.findIndex((each) => each.controllers.includes(controller));
    return cgroup.folders[index] ?? null;
  }

  /**
   * Agents remove the group above with their last task, so it may go at any moment, and another one
   * may be just making it: whatever is missing is made, and tried again.
   */
  #make(hierarchy: Hierarchy, folder: string, bounds: TaskBounds, only?: Controller): void {
    for (let tries = 1; ; tries += 1) {
      try {
        makeFolder(folder);
        // Nothing can join a group of version 1 without processors.
        if (hierarchy.version === 1 && hierarchy.controllers.includes("cpuset")) inherit(folder);
        for (const controller of only === undefined ? hierarchy.controllers : [only]) {
          write(folder, settingsOf(controller, hierarchy.version, bounds));
        }
        return;
      } catch (cause) {
        if (!isAbsence(cause) || tries >= TRIES_MAX) throw cause;
        makeParent(hierarchy, path.dirname(folder));
      }
    }
  }
}

const TRIES_MAX = 10;

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (cause) {
    if (errnoOf(cause) !== "EEXIST") throw cause;
  }
}

/** The group above all tasks has its part by the size of the machine, not as one among many. */
function makeParent({ version, mount, controllers: own }: Hierarchy, folder: string): void {
  const lists = version === 2 ? own.filter((name) => name !== "cpuacct") : [];
  try {
    if (lists.length > 0) enable(mount, lists);
    makeFolder(folder);
    if (lists.length > 0) enable(folder, lists);
    if (own.includes("cpu")) {
      write(folder, [cpuShareOf(version, availableParallelism() * MILLIS_PER_CPU)]);
    }
    // What a task is granted is protected only as far as all above it is.
    if (own.includes("memory") && version === 2) {
      write(folder, [{ file: "memory.low", text: "max", isOptional: true }]);
    }
  } catch (cause) {
    if (!isAbsence(cause)) throw cause; // gone again: the next try tells
  }
}

function enable(folder: string, names: readonly string[]): void {
  const text = names.map((name) => `+${name}`).join(" ");
  write(folder, [{ file: "cgroup.subtree_control", text, isOptional: false }]);
}

function inherit(folder: string): void {
  const above = path.dirname(folder);
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readSys(path.join(folder, file)) !== null) continue;
    if (readSys(path.join(above, file)) === null && above !== "/") inherit(above);
    const text = readSys(path.join(above, file)) ?? "";
    write(folder, [{ file, text, isOptional: false }]);
  }
}

function write(folder: string, settings: readonly Setting[]): void {
  for (const { file, text, isOptional } of settings) {
    try {
      writeFileSync(path.join(folder, file), text, { flag: "r+" });
    } catch (cause) {
      if (!isOptional) throw cause;
    }
  }
}

function refusalOf(cause: unknown, mount: string): string {
  const code = errnoOf(cause);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return `the agent's user may not make control groups in ${mount} (${code})`;
  }
  if (code === "EBUSY") return `${mount} is not ours to divide: processes are in it (EBUSY)`;
  return `${mount} refuses it: ${code ?? String(cause)}`;
}
