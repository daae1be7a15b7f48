import { z } from "zod";
import { DeviceHealth, Hardware } from "./hardware.ts";
import { NodeId, NodeName } from "./ids.ts";
import { DeviceCounts, MediaClass, PortNumber, ResourceCapacity } from "./resources.ts";

const Count = z.int().min(0);

/** A NUMA zone: cores, memory and GPUs that are near each other. */
export const NumaZone = z.object({
  id: z.int().min(0),
  cpuMillis: Count,
  memoryMiB: Count,
  gpuUuids: z.array(z.string()),
});
export type NumaZone = z.infer<typeof NumaZone>;

/** Disk space of one kind that allocations are granted from. */
export const Storage = z.object({
  mediaClass: MediaClass.nullable(),
  diskMiB: Count,
  /** Nothing more is granted of an unhealthy one; absent means unknown. */
  health: DeviceHealth.optional(),
});
export type Storage = z.infer<typeof Storage>;

/** Keeps work off a node that does not say it tolerates the key. */
export const Taint = z.object({ key: z.string().min(1), reason: z.string().nullable() });
export type Taint = z.infer<typeof Taint>;

/** The pool of nodes that name none. */
export const DEFAULT_POOL = "default";

export const DriverStatus = z.object({
  name: z.string(),
  available: z.boolean(),
  /** Why it is not available; null when it is. */
  reason: z.string().nullable(),
  /** What it works with, such as `cgroup v2`. */
  engine: z.string().optional(),
  /** What it keeps tasks to: `cpu`, `memory`, `pids` and so on. */
  enforces: z.array(z.string()).optional(),
  /** What it would keep tasks to on another node, and why not here. */
  lacks: z.array(z.object({ what: z.string(), reason: z.string() })).optional(),
});
export type DriverStatus = z.infer<typeof DriverStatus>;

/** Something of the system that a task may need: tried out, not assumed. */
export const Capability = z.object({
  /** Such as `cgroup.memory` or `podman`. */
  name: z.string(),
  available: z.boolean(),
  /** Why it is not available; null when it is. */
  reason: z.string().nullable(),
  /** Its version, or how it was found; null where there is nothing to say. */
  detail: z.string().nullable(),
});
export type Capability = z.infer<typeof Capability>;

/** Everything a node says about itself when it joins, and again when any of it changes. */
export const NodeDescription = z.object({
  nodeId: NodeId,
  name: NodeName,
  bootId: z.string(),
  agentVersion: z.string(),
  /** For constraints: `node.labels.<key>`. */
  labels: z.record(z.string(), z.string()),
  /** Operator facts handed to tasks as `BERTH_META_<key>`. */
  meta: z.record(z.string(), z.string()),
  capacity: ResourceCapacity,
  /** Kept back for the system itself; never granted. */
  reserved: ResourceCapacity,
  /** Inclusive range for ports the scheduler chooses. */
  portRange: z.object({ from: PortNumber, to: PortNumber }),
  drivers: z.array(DriverStatus),
  /** What the system offers, and why it does not; absent where nobody looked. */
  capabilities: z.array(Capability).optional(),
  hardware: Hardware,
  /** The pool it belongs to; absent means `default`. */
  pool: z.string().min(1).optional(),
  taints: z.array(Taint).optional(),
  /** Counted devices that its operator declares. */
  devices: DeviceCounts.optional(),
  /** Known NUMA zones, without what is kept back. */
  zones: z.array(NumaZone).optional(),
  /** The disk space of `capacity` by disk; absent means one of unknown kind. */
  storage: z.array(Storage).optional(),
});
export type NodeDescription = z.infer<typeof NodeDescription>;
