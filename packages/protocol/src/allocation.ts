import { z } from "zod";
import { AllocationId, ProjectName, WorkloadId, WorkloadName } from "./ids.ts";
import { Grant } from "./resources.ts";
import { CheckSpec, TaskSpec } from "./workload-spec.ts";

/** How a task ended. `unknown`: it ended while nobody could see how (a reboot, a lost record). */
export const Exit = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("code"), code: z.int().min(0).max(255) }),
  z.object({ kind: z.literal("signal"), signal: z.string() }),
  /** The kernel killed it, or a part of it, for memory: it may use `limitMiB`; null without a limit. */
  z.object({ kind: z.literal("oom"), limitMiB: z.int().min(1).nullable() }),
  /** It was ended because it had run as long as it may. */
  z.object({ kind: z.literal("timeout"), limitMs: z.int().min(1) }),
  /** The disk had no room for it. */
  z.object({ kind: z.literal("disk"), message: z.string() }),
  /** It never ran: the command is missing, a port is taken, a folder is not writable. */
  z.object({ kind: z.literal("prestart"), message: z.string() }),
  z.object({ kind: z.literal("unknown"), message: z.string() }),
]);
export type Exit = z.infer<typeof Exit>;

/** `none`: the workload has no check. `starting`: it has one that has not passed yet. */
export const Health = z.enum(["none", "starting", "healthy", "unhealthy"]);
export type Health = z.infer<typeof Health>;

/** All an agent needs to run an allocation; it keeps this on disk, so it needs nobody to go on. */
export const DesiredAllocation = z.object({
  allocationId: AllocationId,
  workloadId: WorkloadId,
  project: ProjectName,
  workloadName: WorkloadName,
  workloadVersion: z.int(),
  index: z.int(),
  count: z.int(),
  attempt: z.int(),
  task: TaskSpec,
  granted: Grant,
  check: CheckSpec.nullable(),
  stop: z.object({ signal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]), graceMs: z.int() }),
});
export type DesiredAllocation = z.infer<typeof DesiredAllocation>;

/** What an agent observes of one allocation. `finished` is final and is repeated until acknowledged. */
export const AllocationReport = z.discriminatedUnion("state", [
  z.object({
    state: z.literal("running"),
    allocationId: AllocationId,
    startedAtUnixMs: z.number(),
    pid: z.int().nullable(),
    health: Health,
    message: z.string().nullable(),
  }),
  z.object({
    state: z.literal("finished"),
    allocationId: AllocationId,
    /** `stopped`: it ended because the agent was told to stop it. */
    outcome: z.enum(["complete", "failed", "stopped", "lost"]),
    exit: Exit,
    startedAtUnixMs: z.number().nullable(),
    finishedAtUnixMs: z.number(),
    message: z.string().nullable(),
  }),
]);
export type AllocationReport = z.infer<typeof AllocationReport>;

export const AllocationUsage = z.object({
  allocationId: AllocationId,
  cpuMillis: z.number().nullable(),
  memoryMiB: z.number().nullable(),
  /** With their threads where the task has a control group of its own. */
  processes: z.int().nullable(),
  /** Thousandths of a processor that it would have used and was denied by its limit. */
  throttledMillis: z.number().nullable().optional(),
  /** From and to disks. */
  diskReadMiBps: z.number().nullable().optional(),
  diskWriteMiBps: z.number().nullable().optional(),
});
