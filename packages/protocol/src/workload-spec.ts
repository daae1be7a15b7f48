import { z } from "zod";
import { ProjectName, WorkloadName } from "./ids.ts";
import { GpuRequest, PortNumber, ResourceAmounts } from "./resources.ts";

/**
 * A workload as the cluster holds it: every default filled in, every quantity an integer with its
 * unit in the name. People write the form in `workload-input.ts`, which becomes this one.
 */
const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

export const TaskSpec = z.object({
  driver: z.enum(["process"]),
  command: z.array(z.string()).min(1),
  env: z.record(EnvironmentName, z.string()),
  /** Absolute, or relative to the allocation's own folder; null means that folder. */
  workDir: z.string().nullable(),
});
export type TaskSpec = z.infer<typeof TaskSpec>;

export const PortSpec = z.object({
  /** A fixed number on the node; null lets the scheduler choose one. */
  static: PortNumber.nullable(),
});
export type PortSpec = z.infer<typeof PortSpec>;

export const CheckSpec = z.object({
  probe: z.discriminatedUnion("type", [
    z.object({ type: z.literal("http"), port: z.string(), path: z.string() }),
    z.object({ type: z.literal("tcp"), port: z.string() }),
  ]),
  intervalMs: z.int().min(100),
  timeoutMs: z.int().min(10),
  /** Failures in a row before a healthy allocation is unhealthy. */
  failures: z.int().min(1),
  /** How long after its start an allocation may stay unhealthy before it counts as failed. */
  startPeriodMs: z.int().min(0),
});
export type CheckSpec = z.infer<typeof CheckSpec>;

export const RestartSpec = z.object({
  /** Failures within the window after which `then` applies. */
  attempts: z.int().min(0),
  withinMs: z.int().min(1),
  /** Doubling from min to max with each failure in the window. */
  backoffMinMs: z.int().min(0),
  backoffMaxMs: z.int().min(0),
  /** `delay`: wait until the window has passed and go on. `fail`: give the index up. */
  exhausted: z.enum(["delay", "fail"]),
});
export type RestartSpec = z.infer<typeof RestartSpec>;

const Common = z.object({
  project: ProjectName,
  name: WorkloadName,
  /** 0 (least) to 100 (most urgent). */
  priority: z.int().min(0).max(100),
  task: TaskSpec,
  resources: z.object({ ...ResourceAmounts.shape, gpu: GpuRequest.nullable() }),
  ports: z.record(z.string(), PortSpec),
  /** Constraint expressions, all of which must hold; see `constraint.ts`. */
  constraints: z.array(z.string()),
  restart: RestartSpec,
  stop: z.object({
    signal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]),
    graceMs: z.int().min(0),
  }),
});

export const ServiceSpec = Common.extend({
  kind: z.literal("service"),
  count: z.int().min(0),
  check: CheckSpec.nullable(),
  update: z.object({ maxUnavailable: z.int().min(1) }),
});
export const BatchSpec = Common.extend({
  kind: z.literal("batch"),
  count: z.int().min(1),
});
export const SystemSpec = Common.extend({
  kind: z.literal("system"),
  check: CheckSpec.nullable(),
  update: z.object({ maxUnavailable: z.int().min(1) }),
});

export const WorkloadSpec = z.discriminatedUnion("kind", [ServiceSpec, BatchSpec, SystemSpec]);
export type WorkloadSpec = z.infer<typeof WorkloadSpec>;
export type ServiceSpec = z.infer<typeof ServiceSpec>;
export type BatchSpec = z.infer<typeof BatchSpec>;
export type SystemSpec = z.infer<typeof SystemSpec>;
export type WorkloadKind = WorkloadSpec["kind"];
