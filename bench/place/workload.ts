import type {
  GpuRequest,
  PlacementRules,
  ProjectName,
  WorkloadName,
  WorkloadSpec,
} from "@berth/protocol";
import type { Random } from "../random.ts";
import type { PlaceStep } from "./scenario.ts";

/** What the workloads of a mix differ in. */
export interface Wanted {
  readonly kind?: "batch" | "service";
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB?: number;
  readonly networkMbps?: number;
  readonly gpu?: Partial<GpuRequest>;
  readonly priority?: number;
  readonly ports?: readonly string[];
  readonly constraints?: readonly string[];
  readonly placement?: PlacementRules;
}

/** A step in which workload number `number` arrives with `count` allocations. */
export function placeStep(number: number, count: number, wanted: Wanted): PlaceStep {
  return { kind: "place", count, spec: specOf(number, count, wanted) };
}

function specOf(number: number, count: number, wanted: Wanted): WorkloadSpec {
  const { kind = "batch", ports = [], constraints = [], gpu, placement } = wanted;
  const common = {
    project: "default" as ProjectName,
    name: `w${number}` as WorkloadName,
    priority: wanted.priority ?? 50,
    task: { driver: "process" as const, command: ["run"], env: {}, workDir: null },
    resources: {
      cpuMillis: wanted.cpuMillis,
      memoryMiB: wanted.memoryMiB,
      diskMiB: wanted.diskMiB ?? 0,
      networkMbps: wanted.networkMbps ?? 0,
      gpu: gpu === undefined ? null : { count: 1, models: [], memoryMiB: 0, ...gpu },
    },
    ports: Object.fromEntries(ports.map((name) => [name, { static: null }])),
    constraints: [...constraints],
    ...(placement === undefined ? {} : { placement }),
    stop: { signal: "SIGTERM" as const, graceMs: 10_000 },
    count,
  };
  const restart = { attempts: 3, withinMs: 600_000, backoffMinMs: 1_000, backoffMaxMs: 60_000 };
  return kind === "batch"
    ? { ...common, kind, restart: { ...restart, exhausted: "fail" } }
    : {
        ...common,
        kind,
        check: null,
        update: { maxUnavailable: 1 },
        restart: { ...restart, exhausted: "delay" },
      };
}

export function pick<Item>(items: readonly Item[], random: Random): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new RangeError("nothing to pick from");
  return item;
}
