import { z } from "zod";
import { MediaClass } from "./resources.ts";

/**
 * What an agent found in its server. Unknown is null, never 0 and never a guess; a field that is
 * absent was not looked for (an older agent). Nothing here changes by itself from minute to minute:
 * temperatures and loads are usage, not inventory.
 */
const Count = z.int().min(0);

/**
 * How a device is. A degraded one works and should be looked at; an unhealthy one is not granted to
 * anything more until it is healthy again.
 */
export const deviceHealthStates = ["healthy", "degraded", "unhealthy"] as const;
export const DeviceHealth = z.object({
  state: z.enum(deviceHealthStates),
  /** What was noticed, for people; null when healthy. */
  reason: z.string().nullable(),
});
export type DeviceHealth = z.infer<typeof DeviceHealth>;

export const CpuCache = z.object({
  level: z.int().min(1),
  kind: z.enum(["data", "instruction", "unified"]),
  /** Of each one. */
  sizeKiB: Count,
  /** How many the server has. */
  count: z.int().min(1),
});
export type CpuCache = z.infer<typeof CpuCache>;

export const Cpu = z.object({
  model: z.string().nullable(),
  architecture: z.string(),
  sockets: Count.nullable(),
  cores: Count.nullable(),
  threads: Count,
  maxMHz: z.number().nullable(),
  caches: z.array(CpuCache).optional(),
});

/** A NUMA node as the kernel has it, also one without processors. */
export const NumaNode = z.object({
  id: Count,
  /** The kernel's list of its processors, such as `0-63,128-191`; empty for none. */
  cpus: z.string(),
  threads: Count,
  /** Null where those of all nodes do not add up to the memory that there is. */
  memoryMiB: Count.nullable(),
  /** To each NUMA node in the order of the list, itself (10) included. */
  distances: z.array(Count),
});
export type NumaNode = z.infer<typeof NumaNode>;

export const Disk = z.object({
  /** Stable name from /dev/disk/by-id, else WWN or serial, else the device name. */
  id: z.string(),
  device: z.string(),
  mediaClass: MediaClass.nullable(),
  sizeMiB: Count,
  model: z.string().nullable(),
  serial: z.string().nullable().optional(),
  /** World-wide name; null where the disk has none. */
  wwn: z.string().nullable().optional(),
  numaNode: Count.nullable().optional(),
  /** By SMART; null where nobody can ask it (no tool, no permission, a virtual disk). */
  health: DeviceHealth.nullable().optional(),
});
export type Disk = z.infer<typeof Disk>;

export const FileSystem = z.object({
  mount: z.string(),
  type: z.string(),
  device: z.string(),
  sizeMiB: Count,
  availableMiB: Count,
  /** Also that of a file system which an error made so. */
  isReadOnly: z.boolean().optional(),
});

export const NetworkInterface = z.object({
  name: z.string(),
  mac: z.string().nullable(),
  addresses: z.array(z.string()),
  /** Null where the driver does not say (virtio) and no operator override is set. */
  speedMbps: Count.nullable(),
  /** Whether an operator said the speed, and not the driver. */
  isSpeedDeclared: z.boolean().optional(),
  up: z.boolean(),
  driver: z.string().nullable().optional(),
  pciAddress: z.string().nullable().optional(),
  numaNode: Count.nullable().optional(),
});

/** A port of an RDMA adapter: InfiniBand, or RDMA over Ethernet. */
export const RdmaPort = z.object({
  /** Such as `mlx5_0`. */
  device: z.string(),
  port: z.int().min(1),
  linkLayer: z.string().nullable(),
  speedMbps: Count.nullable(),
  up: z.boolean(),
  /** The network interface of the same hardware. */
  networkInterface: z.string().nullable(),
  numaNode: Count.nullable(),
});
export type RdmaPort = z.infer<typeof RdmaPort>;

/** A part of a partitioned GPU (MIG), granted by itself. */
export const GpuSlice = z.object({
  uuid: z.string(),
  /** Such as `1g.10gb`. */
  profile: z.string(),
  memoryMiB: Count.nullable(),
});
export type GpuSlice = z.infer<typeof GpuSlice>;

export const gpuVendors = ["nvidia", "amd", "intel"] as const;
export const Gpu = z.object({
  uuid: z.string(),
  model: z.string(),
  memoryMiB: Count.nullable(),
  driverVersion: z.string().nullable(),
  pciAddress: z.string().nullable(),
  /** What it is partitioned into; then it is granted by slice, and not as a whole. */
  slices: z.array(GpuSlice).optional(),
  vendor: z.enum(gpuVendors).optional(),
  numaNode: Count.nullable().optional(),
  /** Whether it is, or could be, partitioned; null where it cannot be. */
  isPartitioned: z.boolean().nullable().optional(),
  /** Whether its memory corrects errors; null where the device or its driver does not say. */
  hasEcc: z.boolean().nullable().optional(),
  /**
   * How it is connected to each GPU in the order of the list, in the words of its vendor's tool (`NV18`,
   * `PIX`, `SYS`, `XGMI`); null for itself and where unknown.
   */
  links: z.array(z.string().nullable()).optional(),
  /** RDMA devices that no more than PCIe switches lie between. */
  nearRdma: z.array(z.string()).optional(),
  health: DeviceHealth.optional(),
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
  numaNodes: z.array(NumaNode).optional(),
  rdmaPorts: z.array(RdmaPort).optional(),
  /** How many of a list were left out to keep the description small, by the list's name. */
  omitted: z.record(z.string(), z.int().min(1)).optional(),
});
export type Hardware = z.infer<typeof Hardware>;
