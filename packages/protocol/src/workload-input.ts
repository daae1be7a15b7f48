import { z } from "zod";
import { parseConstraint } from "./constraint.ts";
import { ProjectName, WorkloadName } from "./ids.ts";
import { limits } from "./limits.ts";
import { CpuMillis, DurationMs, DurationRangeMs, MemoryMiB, NetworkMbps } from "./quantity-fields.ts";
import { PortNumber } from "./resources.ts";
import type { WorkloadSpec } from "./workload-spec.ts";

/**
 * A workload as people write it: units, defaults and short forms. Strict: an unknown field is an
 * error with a suggestion, never silently ignored. The published JSON Schema is made from this.
 */
const PORT_NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,31}$/;

const TaskInput = z.strictObject({
  driver: z
    .enum(["process"])
    .default("process")
    .describe("How it runs. `process`: a plain child process of the agent's user, not limited."),
  command: z
    .array(z.string().min(1))
    .min(1)
    .max(limits.commandArgumentsMax)
    .describe("Program and arguments. ${NAME} takes a variable of the task's environment; $${ is a plain ${."),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/),
      z.union([z.string(), z.number(), z.boolean()]).transform(String),
    )
    .default({})
    .describe("Environment variables. Names that start with BERTH_ or PORT_ are Berth's own."),
  workDir: z
    .string()
    .min(1)
    .optional()
    .describe("Absolute, or relative to the allocation's own folder, which is the default."),
});

const GpuInput = z.strictObject({
  count: z.int().min(1).max(limits.gpusPerAllocationMax).default(1),
  model: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe("Part of the model's name, such as H100, or a list of which any will do."),
  memory: MemoryMiB.optional().describe("Least memory of each device."),
});

const ResourcesInput = z.strictObject({
  cpu: CpuMillis.optional().describe("Default 100m."),
  memory: MemoryMiB.optional().describe("Default 64MiB."),
  disk: MemoryMiB.optional().describe("Default none."),
  network: NetworkMbps.optional().describe("Default none."),
  gpu: GpuInput.optional(),
});

const PortInput = z.strictObject({
  static: PortNumber.optional().describe("A fixed number; without it the scheduler chooses one."),
});

const CheckInput = z
  .strictObject({
    http: z
      .strictObject({ port: z.string(), path: z.string().startsWith("/").default("/") })
      .optional()
      .describe("Healthy when GET answers with a status below 400."),
    tcp: z.strictObject({ port: z.string() }).optional().describe("Healthy when it connects."),
    interval: DurationMs.default(2_000),
    timeout: DurationMs.default(2_000),
    failures: z.int().min(1).max(100).default(3),
    startPeriod: DurationMs.default(30_000),
  })
  .refine((check) => (check.http === undefined) !== (check.tcp === undefined), {
    message: "a check has exactly one of http and tcp",
  });

const UpdateInput = z.strictObject({
  maxUnavailable: z.int().min(1).default(1).describe("Indexes that may be down at once."),
});

const RestartInput = z.strictObject({
  attempts: z.int().min(0).max(1_000).optional().describe("Failures within the window. Default 3."),
  within: DurationMs.optional().describe("The window. Default 10m."),
  backoff: DurationRangeMs.optional().describe("Wait before each retry, doubling. Default 1s..1m."),
  exhausted: z
    .enum(["delay", "fail"])
    .optional()
    .describe("After that many: wait for the window to pass (service, system) or fail (batch)."),
});

const StopInput = z.strictObject({
  signal: z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP"]).default("SIGTERM"),
  grace: DurationMs.default(10_000).describe("Then SIGKILL, to every process of the task."),
});

const common = {
  name: WorkloadName,
  project: ProjectName.default("default" as ProjectName),
  priority: z.int().min(0).max(100).default(50),
  task: TaskInput,
  resources: ResourcesInput.default({}),
  ports: z.record(z.string().regex(PORT_NAME), PortInput).default({}),
  constraints: z.array(z.string().max(limits.constraintLengthMax)).max(limits.constraintsMax).default([]),
  restart: RestartInput.default({}),
  stop: StopInput.prefault({}),
};
const Count = z.int().max(limits.workloadCountMax);

export const ServiceInput = z
  .strictObject({
    kind: z.literal("service").describe("Replicas that run until stopped."),
    ...common,
    count: Count.min(0).default(1),
    check: CheckInput.optional(),
    update: UpdateInput.prefault({}),
  })
  .meta({ title: "service" });
export const BatchInput = z
  .strictObject({
    kind: z.literal("batch").describe("Tasks that run to completion."),
    ...common,
    count: Count.min(1).default(1),
  })
  .meta({ title: "batch" });
export const SystemInput = z
  .strictObject({
    kind: z.literal("system").describe("One on each node that meets the constraints."),
    ...common,
    check: CheckInput.optional(),
    update: UpdateInput.prefault({}),
  })
  .meta({ title: "system" });

export const WorkloadInput = z
  .discriminatedUnion("kind", [ServiceInput, BatchInput, SystemInput])
  .superRefine(checkAcrossFields);
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
    task: { ...input.task, workDir: input.task.workDir ?? null },
    resources: {
      cpuMillis: resources.cpu ?? 100,
      memoryMiB: resources.memory ?? 64,
      diskMiB: resources.disk ?? 0,
      networkMbps: resources.network ?? 0,
      gpu: resources.gpu
        ? {
            count: resources.gpu.count,
            models: resources.gpu.model === undefined ? [] : [resources.gpu.model].flat(),
            memoryMiB: resources.gpu.memory ?? 0,
          }
        : null,
    },
    ports: Object.fromEntries(
      Object.entries(input.ports).map(([name, port]) => [name, { static: port.static ?? null }]),
    ),
    constraints: input.constraints,
    restart: {
      attempts: restart.attempts ?? 3,
      withinMs: restart.within ?? 600_000,
      backoffMinMs: restart.backoff?.minMs ?? 1_000,
      backoffMaxMs: restart.backoff?.maxMs ?? 60_000,
      exhausted: restart.exhausted ?? (input.kind === "batch" ? "fail" : "delay"),
    },
    stop: { signal: input.stop.signal, graceMs: input.stop.grace },
  } as const;
  switch (input.kind) {
    case "service":
      return { ...shared, kind: "service", count: input.count, check: check(input), update: input.update };
    case "batch":
      return { ...shared, kind: "batch", count: input.count };
    case "system":
      return { ...shared, kind: "system", check: check(input), update: input.update };
  }
}

function check(input: { check?: z.output<typeof CheckInput> | undefined }) {
  if (!input.check) return null;
  const { http, tcp, interval, timeout, failures, startPeriod } = input.check;
  const probe = http
    ? ({ type: "http", port: http.port, path: http.path } as const)
    : ({ type: "tcp", port: tcp?.port ?? "" } as const);
  return { probe, intervalMs: interval, timeoutMs: timeout, failures, startPeriodMs: startPeriod };
}

function checkAcrossFields(input: Filled, context: z.RefinementCtx): void {
  const problem = (path: (string | number)[], message: string, value: unknown) =>
    context.addIssue({ code: "custom", path, message, input: value });

  for (const name of Object.keys(input.task.env)) {
    if (/^(BERTH_|PORT_)/.test(name)) {
      problem(["task", "env", name], "names that start with BERTH_ or PORT_ are Berth's own", name);
    }
  }
  if (Object.keys(input.task.env).length > limits.environmentVariablesMax) {
    problem(["task", "env"], `at most ${limits.environmentVariablesMax} variables`, undefined);
  }
  if (Object.keys(input.ports).length > limits.portsPerWorkloadMax) {
    problem(["ports"], `at most ${limits.portsPerWorkloadMax} ports`, undefined);
  }
  if (input.resources.cpu === 0) problem(["resources", "cpu"], "at least 1m", 0);
  if (input.resources.memory === 0) problem(["resources", "memory"], "at least 1MiB", 0);
  for (const [index, source] of input.constraints.entries()) {
    const parsed = parseConstraint(source);
    if (!parsed.ok) {
      problem(["constraints", index], `${parsed.message} (at character ${parsed.column})`, source);
    }
  }
  if (input.kind !== "batch" && input.check) {
    const { http, tcp } = input.check;
    const [type, port] = http ? ["http", http.port] : ["tcp", tcp?.port];
    if (port !== undefined && !(port in input.ports)) {
      const known = Object.keys(input.ports).join(", ");
      problem(["check", type ?? "tcp", "port"], `no port '${port}' under ports; there: ${known || "none"}`, port);
    }
    if (input.check.interval < 100) problem(["check", "interval"], "at least 100ms", input.check.interval);
    if (input.check.timeout < 10) problem(["check", "timeout"], "at least 10ms", input.check.timeout);
  }
  const statics = Object.entries(input.ports).filter(([, port]) => port.static !== undefined);
  for (const [name, port] of statics) {
    const twin = statics.find(([other, its]) => other !== name && its.static === port.static);
    if (twin && twin[0] < name) {
      problem(["ports", name, "static"], `port ${port.static} is also '${twin[0]}'`, port.static);
    }
  }
}
