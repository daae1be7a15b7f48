import type { DesiredAllocation, Exit } from "@berth/protocol";
import type { TaskCgroup } from "./task-cgroup.ts";

/**
 * Whether a task that failed did so for want of memory: the kernel killed a process of its group.
 * The limit is null when the group had not reached its own: then the whole node had run out.
 */
export function outOfMemory(
  exit: Exit,
  cgroup: TaskCgroup,
  { granted, task }: DesiredAllocation,
): Exit | null {
  const isFailure = exit.kind !== "code" || exit.code !== 0;
  if (!isFailure || cgroup.oomKills() === 0) return null;
  const limitMiB = Math.max(granted.memoryMiB, task.limits?.memoryMiB ?? 0);
  return { kind: "oom", limitMiB: cgroup.isAtMemoryLimit() ? limitMiB : null };
}
