import { type AllocationId, DesiredAllocation, type TaskLimits } from "@berth/protocol";

export interface AllocationShape {
  readonly id?: string;
  readonly driver?: DesiredAllocation["task"]["driver"];
  readonly limits?: TaskLimits;
  readonly command?: readonly string[];
  readonly env?: Record<string, string>;
  readonly workDir?: string | null;
  readonly ports?: Record<string, number>;
  readonly gpuUuids?: readonly string[];
  /** What only few grants have. */
  readonly granted?: Partial<DesiredAllocation["granted"]>;
  readonly check?: DesiredAllocation["check"];
  readonly signal?: DesiredAllocation["stop"]["signal"];
  readonly graceMs?: number;
}

/** A valid allocation; by default a task that sleeps. */
export function desiredAllocation(shape: AllocationShape = {}): DesiredAllocation {
  return DesiredAllocation.parse({
    allocationId: shape.id ?? "a1",
    workloadId: "acme/web",
    project: "acme",
    workloadName: "web",
    workloadVersion: 1,
    index: 0,
    count: 1,
    attempt: 1,
    task: {
      driver: shape.driver ?? "process",
      command: shape.command ?? ["sleep", "300"],
      env: shape.env ?? {},
      workDir: shape.workDir ?? null,
      ...(shape.limits === undefined ? {} : { limits: shape.limits }),
    },
    granted: {
      cpuMillis: 100,
      memoryMiB: 64,
      diskMiB: 0,
      networkMbps: 0,
      gpuUuids: shape.gpuUuids ?? [],
      ports: shape.ports ?? {},
      ...shape.granted,
    },
    check: shape.check ?? null,
    stop: { signal: shape.signal ?? "SIGTERM", graceMs: shape.graceMs ?? 5_000 },
  });
}

export function desiredSet(
  ...allocations: readonly DesiredAllocation[]
): ReadonlyMap<AllocationId, DesiredAllocation> {
  return new Map(allocations.map((each) => [each.allocationId, each]));
}
