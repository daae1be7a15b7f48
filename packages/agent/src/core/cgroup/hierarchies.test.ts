import { expect, test } from "vitest";
import { describeHierarchies, hierarchiesOf, hierarchyWith } from "./hierarchies.ts";

const V2 = "25 30 0:22 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
const HYBRID = `
24 1 254:0 / / rw - ext4 /dev/root rw
31 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
34 30 0:31 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
36 30 0:33 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
37 30 0:34 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
39 30 0:36 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
40 30 0:37 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
41 30 0:34 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio`;

test("version 2 has what its mount offers, and counts processor time by itself", () => {
  const [only, ...others] = hierarchiesOf(V2, () => ["cpuset", "cpu", "io", "memory", "misc", ""]);
  expect(others).toEqual([]);
  expect(only).toEqual({
    version: 2,
    mount: "/sys/fs/cgroup",
    controllers: ["cpuset", "cpu", "io", "memory", "cpuacct"],
    isFreezer: false,
  });
  expect(describeHierarchies([only].flatMap((each) => each ?? []))).toBe("cgroup v2");
});

test("a machine with both has version 2 first, each mount once and only what limits tasks", () => {
  const found = hierarchiesOf(HYBRID, () => ["hugetlb"]);
  expect(found.map(({ mount }) => mount.split("/").at(-1))).toEqual([
    "unified",
    "cpu,cpuacct",
    "memory",
    "freezer",
    "blkio",
  ]);
  expect(hierarchyWith(found, "io")?.mount).toBe("/sys/fs/cgroup/blkio");
  expect(hierarchyWith(found, "pids")).toBeNull();
  expect(describeHierarchies(found)).toBe("cgroup v1");
});
