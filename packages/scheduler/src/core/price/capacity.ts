/** Amounts of the two resources that every node has. */
export interface Amounts {
  readonly cpuMillis: number;
  readonly memoryMiB: number;
}

/** A kind of GPU: devices that any request accepts or refuses alike. */
export interface GpuKind {
  readonly model: string;
  /** Null where the driver does not say. */
  readonly memoryMiB: number | null;
  /** Thousandths of all devices of the kind. */
  readonly capacityMillis: number;
}

/** What the cluster has to grant, as far as prices depend on it. */
export interface Capacity {
  readonly gpuKinds: readonly GpuKind[];
  /** Of the nodes that have GPUs to share out. */
  readonly besideGpus: Amounts;
  /** Of the nodes that have none. */
  readonly elsewhere: Amounts;
}

export const NO_CAPACITY: Capacity = {
  gpuKinds: [],
  besideGpus: { cpuMillis: 0, memoryMiB: 0 },
  elsewhere: { cpuMillis: 0, memoryMiB: 0 },
};

/** Thousandths of all GPUs. */
export function gpuCapacityMillis({ gpuKinds }: Capacity): number {
  return gpuKinds.reduce((sum, { capacityMillis }) => sum + capacityMillis, 0);
}
