import { z } from "zod";
import { DEVICE_NAME, DEVICE_NAME_HELP, DEVICES_MAX } from "./device-name.ts";
import { ProjectName, WorkloadName } from "./ids.ts";
import { limits } from "./limits.ts";
import {
  CpuMillis,
  DurationMs,
  DurationRangeMs,
  MemoryMiB,
  NetworkMbps,
} from "./quantity-fields.ts";
import { Expression, GangInput, placementInputs, placementOf } from "./placement-input.ts";
import { WHOLE_GPU_MILLIS } from "./quantity.ts";
import { mediaClasses, PortNumber } from "./resources.ts";
import { driverNames, type TaskSpec, type WorkloadSpec } from "./workload-spec.ts";

/**
 * A workload as people write it: units, defaults and short forms. Strict: an unknown field is an
 * error with a suggestion, never silently ignored. The published JSON Schema is made from this.
 */
const DeviceCount = z.int().min(1).max(DEVICES_MAX);
const PORT_NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,31}$/;
const VARIABLE_NAME = /^(?!BERTH_|PORT_)[A-Za-z_][A-Za-z0-9_]*$/;
/** Large enough for anybody, small enough that no deadline overflows. */
const DURATION_MS_MAX = 365 * 86_400_000;

const atLeast = (leastMs: number, text: string) =>
  DurationMs.refine((ms) => ms >= leastMs, `at least ${text}`).refine(
    (ms) => ms <= DURATION_MS_MAX,
    "at most 365d",
  );

const PerSecondMiB = MemoryMiB.refine((mib) => mib >= 1, "at least 1MiB");

const TaskLimitsInput = z
  .strictObject({
    cpu: CpuMillis.refine((millis) => millis >= 10, "at least 10m")
      .optional()
      .describe("Without it, whatever is idle; what is granted in any case."),
    memory: MemoryMiB.refine((mib) => mib >= 1, "at least 1MiB")
      .optional()
      .describe("At least what is granted, which is the limit without it."),
    pids: z
      .int()
      .min(1)
      .max(limits.taskPidsMax)
      .optional()
      .describe(`Processes and threads; ${limits.taskPidsDefault} without it.`),
    diskRead: PerSecondMiB.optional().describe("From each disk, a second, such as 50MiB."),
    diskWrite: PerSecondMiB.optional().describe("To each disk, a second."),
    diskWeight: z
      .int()
      .min(1)
      .max(1_000)
      .optional()
      .describe("Its share of a busy disk; 100 is as much as the others'."),
  })
  .describe("What it may use at most, with the driver `exec`.");

const TaskInput = z.strictObject({
  driver: z
    .enum(driverNames)
    .default("process")
    .describe(
      "How it runs. `process`: a plain child process of the agent's user, not limited. `exec`: in a control group, limited to what it is granted.",
    ),
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(limits.commandArgumentsMax)
    .refine(
      (words) => words.reduce((length, word) => length + word.length, 0) <= limits.commandBytesMax,
      `longer than ${limits.commandBytesMax} characters in all`,
    )
    .describe(
      "Program and arguments, no shell. `${NAME}` takes a variable of the task's environment; `$${` is a plain `${`.",
    ),
  env: z
    .record(
      z
        .string()
        .regex(
          VARIABLE_NAME,
          "a variable is letters, digits and _, not starting with a digit; BERTH_ and PORT_ are Berth's own",
        ),
      z
        .union([z.string(), z.number(), z.boolean()], {
          error: "expected text, a number, or true or false",
        })
        .transform(String),
    )
    .refine((env) => Object.keys(env).length <= limits.environmentVariablesMax, {
      message: `more than ${limits.environmentVariablesMax} variables`,
    })
    .default({})
    .describe("Environment variables. Names that start with `BERTH_` or `PORT_` are Berth's own."),
  workDir: z
    .string()
    .min(1)
    .optional()
    .describe("Absolute, or relative to the allocation's own folder, which is the default."),
  limits: TaskLimitsInput.optional(),
});

const GpuInput = z.strictObject({
  count: z
    .int()
    .min(1)
    .max(limits.gpusPerAllocationMax)
    .default(1)
    .describe("Devices, all of one model and on one node."),
  model: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)], {
      error: "expected part of a model's name, or a list of them",
    })
    .optional()
    .describe("Part of the model's name, such as `H100`, or a list of which any will do."),
  memory: MemoryMiB.optional().describe(
    "Least memory of each device, such as 20GiB; with `share`, how much of it is taken.",
  ),
  share: z
    .number()
    .min(0.001)
    .max(1)
    .optional()
    .describe("Part of one device, in steps of 0.001. Without it, all of it."),
  slice: z
    .string()
    .min(1)
    .optional()
    .describe("Profile of a slice of a partitioned device (MIG), such as `1g.10gb`."),
});

const ResourcesInput = z.strictObject({
  cpu: CpuMillis.refine((millis) => millis >= 1, "at least 1m")
    .prefault("100m")
    .describe("Cores as 2 or 0.5, or thousandths of one as 500m."),
  memory: MemoryMiB.refine((mib) => mib >= 1, "at least 1MiB")
    .prefault("64MiB")
    .describe("Such as 128MiB or 1.5GiB."),
  disk: MemoryMiB.prefault("0MiB").describe("Such as 10GiB."),
  network: NetworkMbps.prefault("0Mbps").describe("Such as 50Mbps or 10Gbps."),
  gpu: GpuInput.optional().describe("Without it, none."),
  diskClass: z.enum(mediaClasses).optional().describe("What the disk must be. Without it, any."),
  devices: z
    .record(z.string().regex(DEVICE_NAME, DEVICE_NAME_HELP), DeviceCount)
    .refine((devices) => Object.keys(devices).length <= limits.deviceKindsMax, {
      message: `more than ${limits.deviceKindsMax} kinds of devices`,
    })
    .optional()
    .describe("Counted devices that nodes declare, by name: `{ fpga: 1 }`."),
  numa: z
    .enum(["prefer", "require"])
    .optional()
    .describe("All in one NUMA zone: where there is one, or nowhere else."),
  exclusiveCores: z
    .boolean()
    .default(false)
    .describe("Whole cores of its own; `cpu` is then a whole number."),
});

const PortInput = z.strictObject({
  static: PortNumber.optional().describe("A fixed number; without it the scheduler chooses one."),
});

const CheckInput = z
  .strictObject({
    http: z
      .strictObject({
        port: z.string().describe("A name under `ports`."),
        path: z.string().startsWith("/", "a path starts with /").default("/"),
      })
      .optional()
      .describe("Healthy when GET answers with a status below 400."),
    tcp: z
      .strictObject({ port: z.string().describe("A name under `ports`.") })
      .optional()
      .describe("Healthy when it connects."),
    interval: atLeast(100, "100ms").prefault("2s").describe("From one try to the next."),
    timeout: atLeast(10, "10ms").prefault("2s").describe("For one try."),
    failures: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe("Failed tries in a row that make a healthy task unhealthy."),
    startPeriod: DurationMs.prefault("30s").describe(
      "A task that is not healthy by then has failed.",
    ),
  })
  .describe("Exactly one of `http` and `tcp`.");

const UpdateInput = z.strictObject({
  maxUnavailable: z.int().min(1).default(1).describe("How many may be down at once."),
});

const RestartInput = z.strictObject({
  attempts: z.int().min(0).max(1_000).default(3).describe("Failures within the window."),
  within: atLeast(1_000, "1s").prefault("10m").describe("The window."),
  backoff: DurationRangeMs.prefault("1s..1m").describe("The wait before each retry, doubling."),
  exhausted: z
    .enum(["delay", "fail"])
    .optional()
    .describe(
      "After that many: wait for the window to pass (default of service and system), or give up (default of batch).",
    ),
});

const StopInput = z.strictObject({
  signal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]).default("SIGTERM"),
  grace: DurationMs.prefault("10s").describe("Then SIGKILL, to every process of the task."),
});

const common = {
  name: WorkloadName.describe("Unique within the project."),
  project: ProjectName.default("default" as ProjectName).describe("Whose it is."),
  priority: z.int().min(0).max(100).default(50).describe("100 goes first, 0 last."),
  task: TaskInput.describe("What runs."),
  resources: ResourcesInput.prefault({}).describe("What each task is granted."),
  ports: z
    .record(
      z
        .string()
        .regex(
          PORT_NAME,
          "a port's name is letters, digits and _, starting with a letter, at most 32",
        ),
      PortInput,
    )
    .refine((ports) => Object.keys(ports).length <= limits.portsPerWorkloadMax, {
      message: `more than ${limits.portsPerWorkloadMax} ports`,
    })
    .default({})
    .describe("By name; the task finds each number in `PORT_<name>`."),
  constraints: z
    .array(Expression)
    .max(limits.constraintsMax)
    .default([])
    .describe("Expressions about a node, all of which must hold: `node.labels.rack in [a, b]`."),
  ...placementInputs,
  restart: RestartInput.prefault({}).describe("What happens when a task fails."),
  stop: StopInput.prefault({}).describe("How a task is stopped."),
};
const Count = z.int().max(limits.workloadCountMax);

export const ServiceInput = z
  .strictObject({
    kind: z.literal("service").describe("Replicas that run until stopped."),
    ...common,
    count: Count.min(0).default(1).describe("How many run."),
    gang: GangInput.optional(),
    check: CheckInput.optional(),
    update: UpdateInput.prefault({}).describe("How a new version replaces the old one."),
  })
  .meta({ title: "service" });
export const BatchInput = z
  .strictObject({
    kind: z.literal("batch").describe("Tasks that run to completion."),
    ...common,
    count: Count.min(1)
      .default(1)
      .describe("How many run; each knows its own number from `BERTH_INDEX`."),
    gang: GangInput.optional(),
    timeLimit: atLeast(1_000, "1s")
      .optional()
      .describe(
        "Each task is stopped, and has failed, this long after it was placed. A limit lets it start before work that is ahead, where it ends in time.",
      ),
  })
  .meta({ title: "batch" });
export const SystemInput = z
  .strictObject({
    kind: z.literal("system").describe("One on each node that meets the constraints."),
    ...common,
    check: CheckInput.optional(),
    update: UpdateInput.prefault({}).describe("How a new version replaces the old one."),
  })
  .meta({ title: "system" });

export const workloadKinds = ["service", "batch", "system"] as const;
export const WorkloadInput = z.discriminatedUnion("kind", [ServiceInput, BatchInput, SystemInput]);
/** What people write. */
export type WorkloadInput = z.input<typeof WorkloadInput>;
type Filled = z.output<typeof WorkloadInput>;

/** Fills in what depends on the kind and gives every quantity its unit name. */
export function normalizeWorkload(input: Filled): WorkloadSpec {
  const { resources, restart } = input;
  const shared = {
    project: input.project,
    name: input.name,
    priority: input.priority,
    task: taskOf(input.task),
    resources: {
      cpuMillis: resources.cpu,
      memoryMiB: resources.memory,
      diskMiB: resources.disk,
      networkMbps: resources.network,
      gpu: resources.gpu
        ? {
            count: resources.gpu.count,
            models: resources.gpu.model === undefined ? [] : [resources.gpu.model].flat(),
            memoryMiB: resources.gpu.memory ?? 0,
            ...shareOf(resources.gpu.share),
            ...(resources.gpu.slice === undefined ? {} : { slice: resources.gpu.slice }),
          }
        : null,
      ...(resources.diskClass === undefined ? {} : { diskClass: resources.diskClass }),
      ...(resources.devices === undefined ? {} : { devices: resources.devices }),
      ...(resources.numa === undefined ? {} : { numa: resources.numa }),
      ...(resources.exclusiveCores ? { exclusiveCores: true as const } : {}),
    },
    ports: Object.fromEntries(
      Object.entries(input.ports).map(([name, port]) => [name, { static: port.static ?? null }]),
    ),
    constraints: input.constraints,
    ...placementOf(input, input.project, input.kind === "batch" ? input.timeLimit : undefined),
    restart: {
      attempts: restart.attempts,
      withinMs: restart.within,
      backoffMinMs: restart.backoff.minMs,
      backoffMaxMs: restart.backoff.maxMs,
      exhausted: restart.exhausted ?? (input.kind === "batch" ? "fail" : "delay"),
    },
    stop: { signal: input.stop.signal, graceMs: input.stop.grace },
  } as const;
  switch (input.kind) {
    case "service":
      return {
        ...shared,
        kind: "service",
        count: input.count,
        check: check(input),
        update: input.update,
      };
    case "batch":
      return { ...shared, kind: "batch", count: input.count };
    case "system":
      return { ...shared, kind: "system", check: check(input), update: input.update };
  }
}

function taskOf({ workDir, limits: written, ...rest }: Filled["task"]): TaskSpec {
  const task = { ...rest, workDir: workDir ?? null };
  if (written === undefined) return task;
  const { cpu, memory, pids, diskRead, diskWrite, diskWeight } = written;
  return {
    ...task,
    limits: {
      ...(cpu === undefined ? {} : { cpuMillis: cpu }),
      ...(memory === undefined ? {} : { memoryMiB: memory }),
      ...(pids === undefined ? {} : { pids }),
      ...(diskRead === undefined ? {} : { diskReadMiB: diskRead }),
      ...(diskWrite === undefined ? {} : { diskWriteMiB: diskWrite }),
      ...(diskWeight === undefined ? {} : { diskWeight }),
    },
  };
}

/** All of a device is what is granted without saying so. */
function shareOf(share: number | undefined): { shareMillis?: number } {
  const shareMillis = share === undefined ? WHOLE_GPU_MILLIS : Math.round(share * WHOLE_GPU_MILLIS);
  return shareMillis === WHOLE_GPU_MILLIS ? {} : { shareMillis: Math.max(1, shareMillis) };
}

function check(input: { check?: z.output<typeof CheckInput> | undefined }) {
  if (!input.check) return null;
  const { http, tcp, interval, timeout, failures, startPeriod } = input.check;
  const probe = http
    ? ({ type: "http", port: http.port, path: http.path } as const)
    : ({ type: "tcp", port: tcp?.port ?? "" } as const);
  return { probe, intervalMs: interval, timeoutMs: timeout, failures, startPeriodMs: startPeriod };
}
