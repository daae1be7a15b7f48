import { z } from "zod";
import { formatMemoryMiB, parseCpuMillis, parseMemoryMiB } from "./quantity.ts";

/** Of `resources.memory`. */
const DEFAULT_MEMORY = "64MiB";

/** A rule that one field breaks because of another. */
export interface CrossFieldProblem {
  readonly path: (string | number)[];
  readonly message: string;
  readonly value: unknown;
}

/**
 * As much of a document as can be read, whatever else is wrong with it: the schema alone would
 * keep these rules back until everything else is right, and people would fix their file twice.
 */
const unreadable = null;
const Probe = z.object({ port: z.string() }).nullable().catch(unreadable).default(null);
const Readable = z.object({
  kind: z.unknown().optional(),
  resources: z
    .object({
      cpu: z.union([z.string(), z.number()]).optional().catch(undefined),
      memory: z.union([z.string(), z.number()]).optional().catch(undefined),
      exclusiveCores: z.boolean().optional().catch(undefined),
      gpu: z
        .object({
          count: z.number().optional().catch(undefined),
          share: z.number().optional().catch(undefined),
          slice: z.unknown().optional(),
        })
        .nullable()
        .optional()
        .catch(unreadable),
    })
    .nullable()
    .catch(unreadable)
    .default(null),
  task: z
    .object({
      driver: z.string().optional().catch(undefined),
      limits: z
        .object({ memory: z.union([z.string(), z.number()]).optional().catch(undefined) })
        .nullable()
        .optional()
        .catch(unreadable),
    })
    .nullable()
    .catch(unreadable)
    .default(null),
  ports: z
    .record(z.string(), z.object({ static: z.number().nullable().catch(null).default(null) }))
    .nullable()
    .default({})
    .catch(unreadable),
  check: z
    .object({ http: z.unknown().optional(), tcp: z.unknown().optional() })
    .nullable()
    .catch(unreadable)
    .default(null),
});

/** `document` is what a person wrote, as parsed from YAML or JSON. */
export function checkAcrossFields(document: unknown): CrossFieldProblem[] {
  const read = Readable.safeParse(document);
  if (!read.success) return [];
  const { check, ports, kind, resources, task } = read.data;
  const problems: CrossFieldProblem[] = [];
  if (task?.limits) problems.push(...checkLimits(task, task.limits, resources));
  if (resources !== null) problems.push(...checkShares(resources), ...checkCores(resources));
  if (check !== null && kind !== "batch") problems.push(...checkProbes(check, ports));
  if (ports !== null) problems.push(...findSharedNumbers(ports));
  return problems;
}

type Ports = NonNullable<z.infer<typeof Readable>["ports"]>;

type Resources = NonNullable<z.infer<typeof Readable>["resources"]>;

function checkShares({ gpu }: Resources): CrossFieldProblem[] {
  if (!gpu || gpu.share === undefined || gpu.share === 1) return [];
  const path = ["resources", "gpu", "share"];
  if (gpu.slice !== undefined) {
    const message = "a slice is granted whole: take share or slice, not both";
    return [{ path, message, value: gpu.share }];
  }
  if (gpu.count === undefined || gpu.count === 1) return [];
  return [{ path, message: "a share is of one device: count must be 1", value: gpu.share }];
}

function checkCores({ cpu, exclusiveCores }: Resources): CrossFieldProblem[] {
  if (exclusiveCores !== true) return [];
  const parsed = parseCpuMillis(cpu ?? "100m");
  if (!parsed.ok || (parsed.value >= 1_000 && parsed.value % 1_000 === 0)) return [];
  const message = "exclusive cores are whole: 1, 2, …";
  return [{ path: ["resources", "cpu"], message, value: cpu ?? "100m" }];
}

function checkLimits(
  task: { driver?: string | undefined },
  { memory }: { memory?: string | number | undefined },
  resources: Resources | null,
): CrossFieldProblem[] {
  const path = ["task", "limits"];
  if (task.driver !== "exec") {
    const message =
      "only the driver exec keeps a task to limits: set driver: exec, or leave them out";
    return [{ path, message, value: task.driver }];
  }
  const granted = parseMemoryMiB(resources?.memory ?? DEFAULT_MEMORY);
  const most = memory === undefined ? granted : parseMemoryMiB(memory);
  if (!granted.ok || !most.ok || most.value >= granted.value) return [];
  const message = `less than the ${formatMemoryMiB(granted.value)} that it is granted`;
  return [{ path: [...path, "memory"], message, value: memory }];
}

function checkProbes(
  check: { http?: unknown; tcp?: unknown },
  ports: Ports | null,
): CrossFieldProblem[] {
  const problems: CrossFieldProblem[] = [];
  const probes = (["http", "tcp"] as const).filter((type) => check[type] !== undefined);
  if (probes.length !== 1) {
    problems.push({
      path: ["check"],
      message: "a check has exactly one of http and tcp",
      value: check,
    });
  }
  for (const type of probes) {
    const probe = Probe.parse(check[type]);
    if (probe === null || ports === null || probe.port in ports) continue;
    const known = Object.keys(ports).join(", ") || "none";
    const message = `no port '${probe.port}' under ports; there: ${known}`;
    problems.push({ path: ["check", type, "port"], message, value: probe.port });
  }
  return problems;
}

function findSharedNumbers(ports: Ports): CrossFieldProblem[] {
  const owners = new Map<number, string>();
  const problems: CrossFieldProblem[] = [];
  for (const [name, port] of Object.entries(ports)) {
    if (port.static === null) continue;
    const owner = owners.get(port.static);
    if (owner === undefined) owners.set(port.static, name);
    else {
      const message = `port ${port.static} is also '${owner}'`;
      problems.push({ path: ["ports", name, "static"], message, value: port.static });
    }
  }
  return problems;
}
