import { z } from "zod";
import { ProjectName, WorkloadId, WorkloadName } from "./ids.ts";
import { PortNumber, ResourceRequest } from "./resources.ts";

/**
 * A workload as the cluster holds it: every default filled in, every quantity an integer with its
 * unit in the name. People write the form in `workload-input.ts`, which becomes this one.
 */
const EnvironmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

/** How a task runs. `exec`: in a control group of its own, which keeps it to what it may use. */
export const driverNames = ["process", "exec"] as const;
export type DriverName = (typeof driverNames)[number];

/** What a task may use at most, beside what it is granted. What is absent has the driver's default. */
export const TaskLimits = z.object({
  /** Absent: whatever is idle, and what it is granted in any case. */
  cpuMillis: z.int().min(10).optional(),
  /** Absent: what it is granted. */
  memoryMiB: z.int().min(1).optional(),
  /** Processes and threads. */
  pids: z.int().min(1).optional(),
  /** Each second, from and to each disk. */
  diskReadMiB: z.int().min(1).optional(),
  diskWriteMiB: z.int().min(1).optional(),
  /** Its share of a busy disk: 100 is as much as everybody else's. */
  diskWeight: z.int().min(1).max(1_000).optional(),
});
export type TaskLimits = z.infer<typeof TaskLimits>;

export const TaskSpec = z.object({
  driver: z.enum(driverNames),
  command: z.array(z.string()).min(1),
  env: z.record(EnvironmentName, z.string()),
  /** Absolute, or relative to the allocation's own folder; null means that folder. */
  workDir: z.string().nullable(),
  limits: TaskLimits.optional(),
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

/** A preference: nodes on which the expression holds are better by the weight, or worse. */
export const Affinity = z.object({
  expression: z.string(),
  weight: z.int().min(-100).max(100),
});
export type Affinity = z.infer<typeof Affinity>;

/** A preference for spreading the indexes over the values of an attribute. */
export const Spread = z.object({
  /** A path of the constraint language, such as `node.labels.rack`. */
  by: z.string(),
  weight: z.int().min(1).max(100),
  /** Percent of the indexes for each value; without any, each value gets the same. */
  targets: z.record(z.string(), z.int().min(0).max(100)),
});
export type Spread = z.infer<typeof Spread>;

/** At most so many indexes for each value of an attribute. */
export const Distinct = z.object({ by: z.string(), max: z.int().min(1) });
export type Distinct = z.infer<typeof Distinct>;

/** Only where something of that workload lives on a node with the same value of the attribute. */
export const Colocation = z.object({ workload: WorkloadId, by: z.string() });
export type Colocation = z.infer<typeof Colocation>;

/**
 * What is said of placement beside resources and constraints. What is absent is not said: see
 * `rulesOf` for what that means.
 */
export const PlacementRules = z.object({
  pool: z.string().min(1).optional(),
  /** Keys of taints that it accepts; `*` accepts all. */
  tolerations: z.array(z.string()).optional(),
  affinities: z.array(Affinity).optional(),
  spread: z.array(Spread).optional(),
  distinct: z.array(Distinct).optional(),
  colocate: z.array(Colocation).optional(),
  /** Data in MiB that is near a node, by the node's name. */
  locality: z.record(z.string(), z.int().min(0)).optional(),
  /** All indexes at once or none; with `within`, on nodes that share its value. */
  gang: z.object({ within: z.string().nullable() }).optional(),
  /** Whether less important work may be stopped to make room for it; yes when absent. */
  preempts: z.boolean().optional(),
  /** Whether it may be stopped to make room for more important work; yes when absent. */
  preemptible: z.boolean().optional(),
  /** How many may be down at once for anybody's convenience: drains, preemption, rebalancing. */
  disruptionMaxUnavailable: z.int().min(0).optional(),
  /** Whether it may be moved to make better use of nodes; no when absent. */
  movable: z.boolean().optional(),
  /** It is stopped this long after it was placed. */
  timeLimitMs: z.int().min(1).optional(),
});
export type PlacementRules = z.infer<typeof PlacementRules>;

const Common = z.object({
  project: ProjectName,
  name: WorkloadName,
  /** 0 (least) to 100 (most urgent). */
  priority: z.int().min(0).max(100),
  task: TaskSpec,
  resources: ResourceRequest,
  ports: z.record(z.string(), PortSpec),
  /** Constraint expressions, all of which must hold; see `constraint.ts`. */
  constraints: z.array(z.string()),
  placement: PlacementRules.optional(),
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

/** What a workload says of placement, with everything that it leaves open decided. */
export interface DecidedRules {
  readonly pool: string | null;
  readonly tolerations: readonly string[];
  readonly affinities: readonly Affinity[];
  readonly spread: readonly Spread[];
  readonly distinct: readonly Distinct[];
  readonly colocate: readonly Colocation[];
  readonly locality: Readonly<Record<string, number>>;
  readonly gang: { readonly within: string | null } | null;
  readonly preempts: boolean;
  readonly preemptible: boolean;
  /** Null: no bound. */
  readonly disruptionMaxUnavailable: number | null;
  readonly movable: boolean;
  readonly timeLimitMs: number | null;
}

export function rulesOf(spec: WorkloadSpec): DecidedRules {
  const { placement = {} } = spec;
  return {
    pool: placement.pool ?? null,
    tolerations: placement.tolerations ?? [],
    affinities: placement.affinities ?? [],
    spread: placement.spread ?? [],
    distinct: placement.distinct ?? [],
    colocate: placement.colocate ?? [],
    locality: placement.locality ?? {},
    gang: placement.gang ?? null,
    preempts: placement.preempts ?? true,
    preemptible: placement.preemptible ?? true,
    disruptionMaxUnavailable:
      placement.disruptionMaxUnavailable ??
      (spec.kind === "batch" ? null : spec.update.maxUnavailable),
    movable: placement.movable ?? false,
    timeLimitMs: placement.timeLimitMs ?? null,
  };
}

/** Priority bands, most important first: work is only ever preempted by a higher band. */
export const priorityBands = [
  { name: "system", from: 90 },
  { name: "production", from: 60 },
  { name: "batch", from: 20 },
  { name: "scavenger", from: 0 },
] as const;
export type PriorityBand = (typeof priorityBands)[number]["name"];

/** 0 for the most important band. */
export function bandOf(priority: number): number {
  return priorityBands.findIndex(({ from }) => priority >= from);
}
