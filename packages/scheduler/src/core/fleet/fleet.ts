import type { NodeId } from "@berth/protocol";
import { assert } from "@berth/runtime/assert";
import { byCodeUnit } from "../state/canonical-text.ts";
import {
  FleetColumns,
  GPUS_LEFT,
  GPUS_SPENT,
  grown,
  leftoverBit,
  NO_GPUS,
  NONE,
} from "./fleet-columns.ts";
import { NodeCells } from "./node-cells.ts";
import { STOCK_MAX, stockOf, type StockPrices } from "./stocks.ts";

/** A kind of GPU: devices that every request accepts or refuses alike. */
export interface GpuKind {
  readonly model: string;
  /** Null where the driver does not say. */
  readonly memoryMiB: number | null;
}

/** What is free of one GPU. */
export interface GpuRoom extends GpuKind {
  readonly freeMillis: number;
  readonly freeMemoryMiB: number;
}

/** What a node has free, and whether it takes anything. */
export interface NodeRoom {
  readonly isOpen: boolean;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly diskMiB: number;
  /** `UNKNOWN` where the node does not know its links. */
  readonly networkMbps: number;
  readonly ports: number;
  readonly zoneCpuMillis: number;
  readonly zoneMemoryMiB: number;
  readonly gpus: readonly GpuRoom[];
}

/** Ranks are below this, and those of nodes that come in order so far apart. */
const RANKS = 2 ** 30;
const RANKS_APART = 1024;

/**
 * All nodes of a cluster, kept for finding the best one for a request quickly: what is free as arrays,
 * and the open nodes in cells of alike value. It holds nothing that the cluster's state does not hold,
 * and is told of each node that has changed.
 */
export class Fleet {
  readonly columns = new FleetColumns();
  readonly cells = new NodeCells(this.columns);
  readonly gpuKinds: GpuKind[] = [];
  /** Slots in the order of node ids. */
  order = new Int32Array(0);
  nodes = 0;

  readonly #slots = new Map<NodeId, number>();
  readonly #ids: (NodeId | null)[] = [];
  readonly #isOpen: boolean[] = [];
  readonly #spareSlots: number[] = [];
  readonly #spareGpus = new Map<number, number[]>();
  readonly #kindNumbers = new Map<string, number>();
  #gpus = 0;
  #latestKind = 0;
  #prices: StockPrices;

  constructor(prices: StockPrices) {
    this.#prices = prices;
  }

  get prices(): StockPrices {
    return this.#prices;
  }

  /** Values every node anew. */
  reprice(prices: StockPrices): void {
    this.#prices = prices;
    for (let at = 0; at < this.nodes; at += 1) {
      const slot = this.order[at] as number;
      this.#priceGpus(slot);
      this.revalue(slot);
    }
  }

  /** The number of a kind of GPU, given once. */
  kindNumber({ model, memoryMiB }: GpuKind): number {
    // Most nodes have several devices of one kind.
    const latest = this.gpuKinds[this.#latestKind];
    if (latest?.model === model && latest.memoryMiB === memoryMiB) return this.#latestKind;
    this.#latestKind = this.#kindNumberOf({ model, memoryMiB });
    return this.#latestKind;
  }

  #kindNumberOf({ model, memoryMiB }: GpuKind): number {
    const key = `${memoryMiB ?? ""} ${model}`;
    const known = this.#kindNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.gpuKinds.length;
    this.gpuKinds.push({ model, memoryMiB });
    this.#kindNumbers.set(key, number);
    return number;
  }

  kindAt(number: number): GpuKind {
    const kind = this.gpuKinds[number];
    assert(kind, `no GPU kind ${number}`);
    return kind;
  }

  slotOf(id: NodeId): number | undefined {
    return this.#slots.get(id);
  }

  idAt(slot: number): NodeId {
    const id = this.#ids[slot];
    assert(id, `no node in slot ${slot}`);
    return id;
  }

  isOpen(slot: number): boolean {
    return this.#isOpen[slot] === true;
  }

  /** Lets a node take placements, or no more. */
  setOpen(slot: number, isOpen: boolean): void {
    if (this.#isOpen[slot] === isOpen) return;
    this.#isOpen[slot] = isOpen;
    if (isOpen) this.cells.put(slot);
    else this.cells.remove(slot);
  }

  /** Adds a node, or takes over what it has become; returns its slot. */
  set(id: NodeId, room: NodeRoom): number {
    const slot = this.#slots.get(id) ?? this.#add(id);
    const { columns } = this;
    columns.cpuFree[slot] = room.cpuMillis;
    columns.memoryFree[slot] = room.memoryMiB;
    columns.diskFree[slot] = room.diskMiB;
    columns.networkFree[slot] = room.networkMbps;
    columns.portsFree[slot] = room.ports;
    columns.zoneCpuFree[slot] = room.zoneCpuMillis;
    columns.zoneMemoryFree[slot] = room.zoneMemoryMiB;
    this.#isOpen[slot] = room.isOpen;
    if (columns.gpuCount[slot] !== room.gpus.length) this.#resizeGpus(slot, room.gpus.length);
    const first = columns.gpuFirst[slot] as number;
    for (const [at, gpu] of room.gpus.entries()) {
      columns.gpuFree[first + at] = gpu.freeMillis;
      columns.gpuMemoryFree[first + at] = gpu.freeMemoryMiB;
      columns.gpuKind[first + at] = this.kindNumber(gpu);
    }
    this.#priceGpus(slot);
    this.revalue(slot);
    return slot;
  }

  remove(id: NodeId): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    if (this.columns.cell[slot] !== NONE) this.cells.remove(slot);
    this.#resizeGpus(slot, 0);
    const at = this.#positionOf(id);
    this.order.copyWithin(at, at + 1, this.nodes);
    this.nodes -= 1;
    this.#slots.delete(id);
    this.#ids[slot] = null;
    this.#isOpen[slot] = false;
    this.#spareSlots.push(slot);
  }

  /** Works out a node's value from its columns, and puts it where that belongs. */
  revalue(slot: number): void {
    const { columns } = this;
    const gpuStock = this.#countGpus(slot);
    const hasGpus = (columns.gpuCount[slot] as number) > 0;
    columns.kind[slot] = gpuStock > 0 ? GPUS_LEFT : hasGpus ? GPUS_SPENT : NO_GPUS;
    const { gpuCpuRate, gpuMemoryRate, cpuRate, memoryRate } = this.#prices;
    const isShared = gpuStock > 0;
    const cpu = stockOf(columns.cpuFree[slot] as number, isShared ? gpuCpuRate : cpuRate);
    const free = columns.memoryFree[slot] as number;
    const memory = stockOf(free, isShared ? gpuMemoryRate : memoryRate);
    const smallest = Math.min(cpu, memory, isShared ? gpuStock : STOCK_MAX);
    columns.smallest[slot] = smallest;
    columns.gpuSurplus[slot] = isShared ? gpuStock - smallest : 0;
    columns.cpuSurplus[slot] = cpu - smallest;
    columns.memorySurplus[slot] = memory - smallest;
    if (this.#isOpen[slot] === true) this.cells.put(slot);
    else if (columns.cell[slot] !== NONE) this.cells.remove(slot);
  }

  /** The value of its GPUs' leftovers; notes what those are on the way. */
  #countGpus(slot: number): number {
    const { columns } = this;
    const { leftover } = this.#prices;
    const first = columns.gpuFirst[slot] as number;
    const end = first + (columns.gpuCount[slot] as number);
    let value = 0;
    let idle = 0;
    let bits = 0;
    for (let at = first; at < end; at += 1) {
      const free = columns.gpuFree[at] as number;
      value += leftover[free] as number;
      bits |= leftoverBit(free);
      if (free === 1000) idle += 1;
    }
    columns.idleGpus[slot] = idle;
    columns.leftovers[slot] = bits;
    return value;
  }

  #priceGpus(slot: number): void {
    const { columns } = this;
    const first = columns.gpuFirst[slot] as number;
    const count = columns.gpuCount[slot] as number;
    let premium = 0;
    let isMixed = 0;
    for (let at = first; at < first + count; at += 1) {
      premium = Math.max(premium, this.#prices.premiums[columns.gpuKind[at] as number] ?? 0);
      if (columns.gpuKind[at] !== columns.gpuKind[first]) isMixed = 1;
    }
    columns.premium[slot] = premium;
    columns.mixedGpus[slot] = isMixed;
  }

  #add(id: NodeId): number {
    const { columns } = this;
    const slot = this.#spareSlots.pop() ?? columns.slots;
    if (slot === columns.slots) {
      columns.slots += 1;
      columns.reserveSlots(columns.slots);
    }
    this.#slots.set(id, slot);
    this.#ids[slot] = id;
    columns.cell[slot] = NONE;
    columns.block[slot] = NONE;
    columns.gpuCount[slot] = 0;
    if (this.nodes === this.order.length) this.order = grown(this.order, columns.rank.length);
    const at = this.#positionOf(id);
    this.order.copyWithin(at + 1, at, this.nodes);
    this.order[at] = slot;
    this.nodes += 1;
    this.#rankAt(at);
    return slot;
  }

  #positionOf(id: NodeId): number {
    let low = 0;
    let high = this.nodes;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byCodeUnit(this.idAt(this.order[middle] as number), id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Gives the node at a position a rank between its neighbours'; where there is none, all new ones. */
  #rankAt(at: number): void {
    const { order, nodes } = this;
    const { rank } = this.columns;
    const before = at === 0 ? -1 : (rank[order[at - 1] as number] as number);
    const isLast = at + 1 === nodes;
    const after = isLast ? before + 2 * RANKS_APART : (rank[order[at + 1] as number] as number);
    if (after - before > 1 && after < RANKS) {
      rank[order[at] as number] = Math.floor((before + after) / 2);
      return;
    }
    // Half of the ranks stay free for nodes that come after all others.
    const apart = Math.floor(RANKS / 2 / nodes);
    for (let each = 0; each < nodes; each += 1) rank[order[each] as number] = each * apart;
  }

  #resizeGpus(slot: number, count: number): void {
    const { columns } = this;
    const before = columns.gpuCount[slot] as number;
    if (before > 0) {
      const spare = this.#spareGpus.get(before) ?? [];
      spare.push(columns.gpuFirst[slot] as number);
      this.#spareGpus.set(before, spare);
    }
    columns.gpuCount[slot] = count;
    if (count === 0) return;
    const spare = this.#spareGpus.get(count)?.pop();
    columns.gpuFirst[slot] = spare ?? this.#gpus;
    if (spare !== undefined) return;
    this.#gpus += count;
    columns.reserveGpus(this.#gpus);
  }
}
