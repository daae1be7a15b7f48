/** What keeps tasks to their limits, in one vocabulary for both versions of control groups. */
export const controllers = ["cpu", "cpuacct", "memory", "pids", "io", "cpuset", "devices"] as const;
export type Controller = (typeof controllers)[number];

/** One mounted tree of control groups. A task has one folder in each. */
export interface Hierarchy {
  readonly version: 1 | 2;
  readonly mount: string;
  /** What this tree, and no other, controls. */
  readonly controllers: readonly Controller[];
  /** Version 1 only: its groups can be stopped as a whole. */
  readonly isFreezer: boolean;
}

/** Names that version 1 has for the same. */
const V1_NAMES: ReadonlyMap<string, Controller> = new Map([
  ...controllers.map((name) => [name, name] as const),
  ["blkio", "io"],
]);

/**
 * The trees of `/proc/self/mountinfo`, version 2 first: the first one is where a task's processes
 * are looked for. `offered` says what `cgroup.controllers` of a version 2 mount holds. A machine has
 * version 2, version 1, or both at once with the controllers split between them.
 */
export function hierarchiesOf(
  mountinfo: string,
  offered: (mount: string) => readonly string[],
): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const mount = before.split(" ")[4]?.replaceAll("\\040", " ");
    const [type, , options = ""] = after.split(" ");
    if (mount === undefined || found.some((each) => each.mount === mount)) continue;
    if (type === "cgroup2") {
      const own = offered(mount).filter((name) => isController(name));
      // Processor time is counted by every group of version 2, and devices by none.
      const counted = own.includes("cpu") ? (["cpuacct"] as const) : [];
      found.unshift({ version: 2, mount, controllers: [...own, ...counted], isFreezer: false });
    } else if (type === "cgroup") {
      const names = options.split(",");
      const own = names.flatMap((name) => V1_NAMES.get(name) ?? []);
      const isFreezer = names.includes("freezer");
      if (own.length > 0 || isFreezer)
        found.push({ version: 1, mount, controllers: own, isFreezer });
    }
  }
  return found;
}

function isController(name: string): name is Controller {
  return controllers.some((known) => known === name);
}

export function hierarchyWith(
  hierarchies: readonly Hierarchy[],
  controller: Controller,
): Hierarchy | null {
  return hierarchies.find((each) => each.controllers.includes(controller)) ?? null;
}

/** `cgroup v2`, or `cgroup v1`, or both where the machine uses both: for people. */
export function describeHierarchies(hierarchies: readonly Hierarchy[]): string {
  const withControllers = hierarchies.filter((each) => each.controllers.length > 0);
  const versions = new Set(withControllers.map(({ version }) => `v${version}`));
  return `cgroup ${[...versions].sort().join(" and ")}`;
}
