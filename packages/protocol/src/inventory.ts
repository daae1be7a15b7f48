import { z } from "zod";
import { NodeId, NodeName } from "./ids.ts";
import { DeviceCounts, MediaClass, PortNumber, ResourceCapacity } from "./resources.ts";

/** What an agent found on its server. Unknown is null, never 0 and never a guess. */
const Count = z.int().min(0);

export const Cpu = z.object({
  model: z.string().nullable(),
  architecture: z.string(),
  sockets: Count.nullable(),
  cores: Count.nullable(),
  threads: Count,
  maxMHz: z.number().nullable(),
});
export const Disk = z.object({
  /** Stable name from /dev/disk/by-id where there is one, else the device name. */
  id: z.string(),
  device: z.string(),
  mediaClass: MediaClass.nullable(),
  sizeMiB: Count,
  model: z.string().nullable(),
});
export const FileSystem = z.object({
  mount: z.string(),
  type: z.string(),
  device: z.string(),
  sizeMiB: Count,
  availableMiB: Count,
});
export const NetworkInterface = z.object({
  name: z.string(),
  mac: z.string().nullable(),
  addresses: z.array(z.string()),
  /** Null where the driver does not say (virtio) and no operator override is set. */
  speedMbps: Count.nullable(),
  up: z.boolean(),
});
/** A part of a partitioned GPU (MIG), granted by itself. */
export const GpuSlice = z.object({
  uuid: z.string(),
  /** Such as `1g.10gb`. */
  profile: z.string(),
  memoryMiB: Count.nullable(),
});
export const Gpu = z.object({
  uuid: z.string(),
  model: z.string(),
  memoryMiB: Count.nullable(),
  driverVersion: z.string().nullable(),
  pciAddress: z.string().nullable(),
  /** What it is partitioned into; then it is granted by slice, and not as a whole. */
  slices: z.array(GpuSlice).optional(),
});
export type Gpu = z.infer<typeof Gpu>;

export const Hardware = z.object({
  cpu: Cpu,
  memoryMiB: Count,
  swapMiB: Count,
  disks: z.array(Disk),
  fileSystems: z.array(FileSystem),
  networkInterfaces: z.array(NetworkInterface),
  gpus: z.array(Gpu),
  kernel: z.string(),
  operatingSystem: z.string(),
  hostName: z.string(),
  vendor: z.string().nullable(),
  product: z.string().nullable(),
});
export type Hardware = z.infer<typeof Hardware>;

/** A NUMA zone: cores, memory and GPUs that are near each other. */
export const NumaZone = z.object({
  id: z.int().min(0),
  cpuMillis: Count,
  memoryMiB: Count,
  gpuUuids: z.array(z.string()),
});
export type NumaZone = z.infer<typeof NumaZone>;

/** Disk space of one kind that allocations are granted from. */
export const Storage = z.object({ mediaClass: MediaClass.nullable(), diskMiB: Count });
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
});

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
