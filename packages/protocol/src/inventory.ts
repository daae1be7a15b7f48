import { z } from "zod";
import { NodeId, NodeName } from "./ids.ts";
import { PortNumber, ResourceCapacity } from "./resources.ts";

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
  mediaClass: z.enum(["nvme", "ssd", "hdd"]).nullable(),
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
export const Gpu = z.object({
  uuid: z.string(),
  model: z.string(),
  memoryMiB: Count.nullable(),
  driverVersion: z.string().nullable(),
  pciAddress: z.string().nullable(),
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
});
export type NodeDescription = z.infer<typeof NodeDescription>;
