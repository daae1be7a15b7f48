/** A node's kind, as far as its value goes. */
export const NO_GPUS = 0;
/** It has GPUs, and nothing that demand needs is left of them. */
export const GPUS_SPENT = 1;
export const GPUS_LEFT = 2;
export const KINDS = 3;

/** Free amount of a resource that a node does not know how much it has of. */
export const UNKNOWN = -1;

/** Nowhere: of a node that is in no cell. */
export const NONE = -1;

const SLOTS_MIN = 64;

/**
 * The nodes as one array for each field, by slot. A slot is given to a node when it joins and to another
 * when it has left; the order of nodes is their `rank`. About 150 bytes for a node, and 16 for a GPU.
 */
export class FleetColumns {
  slots = 0;
  /** Grows in the order of node ids, which decides between equals. */
  rank = new Int32Array(0);
  cpuFree = new Float64Array(0);
  memoryFree = new Float64Array(0);
  /** The most that is free on one disk. */
  diskFree = new Float64Array(0);
  networkFree = new Float64Array(0);
  /** Ports of the node's range that nothing holds. */
  portsFree = new Int32Array(0);
  /** The most that is free in one NUMA zone, of each resource by itself. */
  zoneCpuFree = new Float64Array(0);
  zoneMemoryFree = new Float64Array(0);
  /** GPUs that nothing is granted of. */
  idleGpus = new Int32Array(0);
  /** Which leftovers its GPUs have, as the bits of `leftoverBit`. */
  leftovers = new Int32Array(0);
  gpuFirst = new Int32Array(0);
  gpuCount = new Int32Array(0);
  /** Whether its GPUs are of one kind: then what suits one suits all. */
  mixedGpus = new Uint8Array(0);
  kind = new Uint8Array(0);
  /** The smallest stock, and what each has above it; see `stocks.ts`. */
  smallest = new Int32Array(0);
  gpuSurplus = new Int32Array(0);
  cpuSurplus = new Int32Array(0);
  memorySurplus = new Int32Array(0);
  /** Extra cost of the dearest of its GPUs, in millionths. */
  premium = new Int32Array(0);
  cell = new Int32Array(0);
  block = new Int32Array(0);

  /** GPUs of all nodes; those of a node are `gpuCount` from `gpuFirst`. */
  gpuFree = new Int16Array(0);
  gpuMemoryFree = new Float64Array(0);
  gpuKind = new Uint16Array(0);

  reserveSlots(count: number): void {
    if (count <= this.rank.length) return;
    const length = Math.max(SLOTS_MIN, count, this.rank.length * 2);
    this.rank = grown(this.rank, length);
    this.cpuFree = grown(this.cpuFree, length);
    this.memoryFree = grown(this.memoryFree, length);
    this.diskFree = grown(this.diskFree, length);
    this.networkFree = grown(this.networkFree, length);
    this.portsFree = grown(this.portsFree, length);
    this.zoneCpuFree = grown(this.zoneCpuFree, length);
    this.zoneMemoryFree = grown(this.zoneMemoryFree, length);
    this.idleGpus = grown(this.idleGpus, length);
    this.leftovers = grown(this.leftovers, length);
    this.gpuFirst = grown(this.gpuFirst, length);
    this.gpuCount = grown(this.gpuCount, length);
    this.mixedGpus = grown(this.mixedGpus, length);
    this.kind = grown(this.kind, length);
    this.smallest = grown(this.smallest, length);
    this.gpuSurplus = grown(this.gpuSurplus, length);
    this.cpuSurplus = grown(this.cpuSurplus, length);
    this.memorySurplus = grown(this.memorySurplus, length);
    this.premium = grown(this.premium, length);
    this.cell = grown(this.cell, length);
    this.block = grown(this.block, length);
  }

  reserveGpus(count: number): void {
    if (count <= this.gpuFree.length) return;
    const length = Math.max(SLOTS_MIN, count, this.gpuFree.length * 2);
    this.gpuFree = grown(this.gpuFree, length);
    this.gpuMemoryFree = grown(this.gpuMemoryFree, length);
    this.gpuKind = grown(this.gpuKind, length);
  }
}

interface Growable<Column> {
  readonly length: number;
  set(from: Column): void;
}

/** A longer copy of a column. */
export function grown<Column extends Growable<Column>>(
  column: Column & { readonly constructor: unknown },
  length: number,
): Column {
  const longer = new (column.constructor as new (length: number) => Column)(length);
  longer.set(column);
  return longer;
}

/** GPUs with alike leftovers share a bit: 31 is a whole GPU; what is used up has none. */
export function leftoverBit(freeMillis: number): number {
  if (freeMillis === 0) return 0;
  return freeMillis === 1000 ? 1 << 31 : 1 << bucketOf(freeMillis);
}

/** Thousandths of a GPU that share a bit. */
export const BUCKET_MILLIS = 33;

export function bucketOf(freeMillis: number): number {
  return freeMillis === 1000 ? 31 : Math.trunc(freeMillis / BUCKET_MILLIS);
}
