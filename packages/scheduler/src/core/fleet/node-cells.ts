import { assert } from "@berth/runtime/assert";
import { type FleetColumns, grown, KINDS, NO_GPUS, NONE } from "./fleet-columns.ts";
import { POINT } from "./stocks.ts";
import { LEVELS, levelMax, levelMin, levelOf } from "./surplus-levels.ts";

/** Nodes in a block. Small ones are cheap to search and to shift, large ones are few. */
export const BLOCK_NODES = 32;

/** A block that has lost this many nodes is joined to the next, where there is room. */
const BLOCK_NODES_MIN = 8;

/** Nodes of one size have smallest stocks within a factor of four, from 16 points up. */
const SIZES = 8;
const FIRST_SIZE = 16 * POINT;
const SIZE_GROWTH = 4;

function sizeOf(smallestStock: number): number {
  let size = 0;
  for (let top = FIRST_SIZE; smallestStock > top && size < SIZES - 1; top *= SIZE_GROWTH) size += 1;
  return size;
}

/** Idle GPUs by powers of two: none, one, two or three, four to seven, more. */
const IDLE_RANGES = 5;

function idleRangeOf(idleGpus: number): number {
  return Math.min(IDLE_RANGES - 1, 32 - Math.clz32(idleGpus));
}

/** Nodes of one kind with alike surpluses: any request costs nearly the same on each. */
export interface Cell {
  readonly key: number;
  readonly kind: number;
  /** The kind of all GPUs of all its nodes; `NONE` where they have several, or none. */
  readonly gpuKind: number;
  /** What each of its nodes adds to what a GPU costs. */
  readonly premium: number;
  /** The most that one of its nodes has, or had while the cell had nodes. */
  cpuMax: number;
  memoryMax: number;
  idleGpusMax: number;
  /** Which leftovers their GPUs have, or had: bits of `leftoverBit`. */
  leftovers: number;
  /** Between what and what a stock of these nodes is above the smallest. */
  readonly gpuSurplusMax: number;
  readonly cpuSurplusMin: number;
  readonly cpuSurplusMax: number;
  readonly memorySurplusMin: number;
  readonly memorySurplusMax: number;
  /** Its blocks, in the order of their nodes' ranks. */
  readonly blocks: number[];
}

/**
 * The open nodes in cells, each a list of blocks in order of rank. A block knows bounds of what its
 * nodes have free, so that a search passes it by when none of them can do. Bounds may be too wide after
 * nodes have left or shrunk; whoever finds that out narrows them.
 */
export class NodeCells {
  /** By number; those that are not occupied are void. */
  readonly cells: Cell[] = [];
  /** Numbers of the cells that have nodes, in no order. */
  readonly occupied: number[] = [];

  blockNodes = new Int32Array(0);
  blockSize = new Int32Array(0);
  blockCpuMax = new Float64Array(0);
  blockMemoryMax = new Float64Array(0);
  blockIdleGpusMax = new Int32Array(0);
  blockDiskMax = new Float64Array(0);
  blockLeftovers = new Int32Array(0);
  /** 1 where nodes have left or changed since the bounds were made. */
  blockIsLoose = new Uint8Array(0);

  readonly #columns: FleetColumns;
  readonly #cellOfKey = new Map<number, number>();
  readonly #occupiedAt: number[] = [];
  readonly #spareCells: number[] = [];
  /** Premiums of nodes with several kinds of GPU, by number. */
  readonly #premiums: number[] = [];
  readonly #spareBlocks: number[] = [];
  #blocks = 0;

  constructor(columns: FleetColumns) {
    this.#columns = columns;
  }

  /** Puts a node where its columns say it belongs, or widens its block's bounds when it is there. */
  put(slot: number): void {
    const { cpuFree, memoryFree, idleGpus, leftovers, cell, block } = this.#columns;
    const key = this.#keyOf(slot);
    const at = cell[slot] as number;
    if (at === NONE || this.#cellAt(at).key !== key) {
      if (at !== NONE) this.remove(slot);
      this.#insert(slot, this.#cellOfKey.get(key) ?? this.#newCell(key, slot));
    }
    const there = block[slot] as number;
    this.#widen(there, slot);
    this.blockIsLoose[there] = 1;
    const into = this.#cellAt(cell[slot] as number);
    into.cpuMax = Math.max(into.cpuMax, cpuFree[slot] as number);
    into.memoryMax = Math.max(into.memoryMax, memoryFree[slot] as number);
    into.idleGpusMax = Math.max(into.idleGpusMax, idleGpus[slot] as number);
    into.leftovers |= leftovers[slot] as number;
  }

  remove(slot: number): void {
    const { cell, block } = this.#columns;
    const from = block[slot] as number;
    const { blocks } = this.#cellAt(cell[slot] as number);
    const at = this.#findBlock(blocks, slot);
    assert(blocks[at] === from, "a block is out of order");
    this.#takeOut(from, slot);
    this.blockIsLoose[from] = 1;
    if (this.blockSize[from] === 0) {
      blocks.splice(at, 1);
      this.#spareBlocks.push(from);
      if (blocks.length === 0) this.#vacate(cell[slot] as number);
    } else if ((this.blockSize[from] as number) < BLOCK_NODES_MIN) this.#join(blocks, at);
    cell[slot] = NONE;
    block[slot] = NONE;
  }

  /** Makes the bounds of a block those of its nodes as they are now. */
  narrow(block: number): void {
    if (this.blockIsLoose[block] === 0) return;
    this.blockIsLoose[block] = 0;
    const first = block * BLOCK_NODES;
    const end = first + (this.blockSize[block] as number);
    this.blockCpuMax[block] = 0;
    this.blockMemoryMax[block] = 0;
    this.blockIdleGpusMax[block] = 0;
    this.blockDiskMax[block] = 0;
    this.blockLeftovers[block] = 0;
    for (let at = first; at < end; at += 1) this.#widen(block, this.blockNodes[at] as number);
  }

  #widen(block: number, slot: number): void {
    const { cpuFree, memoryFree, diskFree, idleGpus, leftovers } = this.#columns;
    const cpu = cpuFree[slot] as number;
    if (cpu > (this.blockCpuMax[block] as number)) this.blockCpuMax[block] = cpu;
    const memory = memoryFree[slot] as number;
    if (memory > (this.blockMemoryMax[block] as number)) this.blockMemoryMax[block] = memory;
    const disk = diskFree[slot] as number;
    if (disk > (this.blockDiskMax[block] as number)) this.blockDiskMax[block] = disk;
    const idle = idleGpus[slot] as number;
    if (idle > (this.blockIdleGpusMax[block] as number)) this.blockIdleGpusMax[block] = idle;
    this.blockLeftovers[block] =
      (this.blockLeftovers[block] as number) | (leftovers[slot] as number);
  }

  #cellAt(number: number): Cell {
    const cell = this.cells[number];
    assert(cell, `no cell ${number}`);
    return cell;
  }

  /** Equal for nodes of one cell. */
  #keyOf(slot: number): number {
    const { kind, smallest, idleGpus, gpuSurplus, cpuSurplus, memorySurplus } = this.#columns;
    let key = this.#gpusKeyOf(slot) * KINDS + (kind[slot] as number);
    key = key * SIZES + sizeOf(smallest[slot] as number);
    key = key * IDLE_RANGES + idleRangeOf(idleGpus[slot] as number);
    key = key * LEVELS + levelOf(gpuSurplus[slot] as number);
    key = key * LEVELS + levelOf(cpuSurplus[slot] as number);
    return key * LEVELS + levelOf(memorySurplus[slot] as number);
  }

  /** Equal for nodes with GPUs of the same kind, and for those of several that cost alike. */
  #gpusKeyOf(slot: number): number {
    const { kind, mixedGpus, gpuKind, gpuFirst, premium } = this.#columns;
    if (kind[slot] === NO_GPUS) return 0;
    if (mixedGpus[slot] === 0) return 2 + 2 * (gpuKind[gpuFirst[slot] as number] as number);
    const known = this.#premiums.indexOf(premium[slot] as number);
    return 1 + 2 * (known >= 0 ? known : this.#premiums.push(premium[slot] as number) - 1);
  }

  #newCell(key: number, slot: number): number {
    const { kind, mixedGpus, gpuKind, gpuFirst, premium } = this.#columns;
    const [gpuLevel, cpuLevel, memoryLevel] = levelsIn(key);
    const isAlike = kind[slot] !== NO_GPUS && mixedGpus[slot] === 0;
    const number = this.#spareCells.pop() ?? this.cells.length;
    this.#cellOfKey.set(key, number);
    this.#occupiedAt[number] = NONE;
    this.cells[number] = {
      key,
      kind: kind[slot] as number,
      gpuKind: isAlike ? (gpuKind[gpuFirst[slot] as number] as number) : NONE,
      premium: premium[slot] as number,
      cpuMax: 0,
      memoryMax: 0,
      idleGpusMax: 0,
      leftovers: 0,
      gpuSurplusMax: levelMax[gpuLevel] as number,
      cpuSurplusMin: levelMin[cpuLevel] as number,
      cpuSurplusMax: levelMax[cpuLevel] as number,
      memorySurplusMin: levelMin[memoryLevel] as number,
      memorySurplusMax: levelMax[memoryLevel] as number,
      blocks: [],
    };
    return number;
  }

  #insert(slot: number, target: number): void {
    const { blocks } = this.#cellAt(target);
    if (blocks.length === 0) {
      this.#occupiedAt[target] = this.occupied.length;
      this.occupied.push(target);
      blocks.push(this.#newBlock());
    }
    let at = this.#findBlock(blocks, slot);
    if (this.blockSize[blocks[at] as number] === BLOCK_NODES) {
      this.#split(blocks, at);
      at = this.#findBlock(blocks, slot);
    }
    this.#putIn(blocks[at] as number, slot);
    this.#columns.cell[slot] = target;
  }

  #vacate(cell: number): void {
    const at = this.#occupiedAt[cell] as number;
    const last = this.occupied.pop();
    assert(last !== undefined, "no cell is occupied");
    if (last !== cell) {
      this.occupied[at] = last;
      this.#occupiedAt[last] = at;
    }
    this.#occupiedAt[cell] = NONE;
    this.#cellOfKey.delete(this.#cellAt(cell).key);
    this.#spareCells.push(cell);
  }

  /** The last block that begins at or before the node's rank; the first when none does. */
  #findBlock(blocks: readonly number[], slot: number): number {
    const { rank } = this.#columns;
    const wanted = rank[slot] as number;
    let low = 0;
    let high = blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const first = this.blockNodes[(blocks[middle] as number) * BLOCK_NODES] as number;
      if ((rank[first] as number) <= wanted) low = middle;
      else high = middle;
    }
    return low;
  }

  #putIn(block: number, slot: number): void {
    const { rank } = this.#columns;
    const wanted = rank[slot] as number;
    const first = block * BLOCK_NODES;
    let at = first + (this.blockSize[block] as number);
    while (at > first) {
      const before = this.blockNodes[at - 1] as number;
      if ((rank[before] as number) < wanted) break;
      this.blockNodes[at] = before;
      at -= 1;
    }
    this.blockNodes[at] = slot;
    this.blockSize[block] = (this.blockSize[block] as number) + 1;
    this.#columns.block[slot] = block;
  }

  #takeOut(block: number, slot: number): void {
    const first = block * BLOCK_NODES;
    const end = first + (this.blockSize[block] as number);
    const at = this.blockNodes.indexOf(slot, first);
    assert(at >= first && at < end, "a node is not in its block");
    this.blockNodes.copyWithin(at, at + 1, end);
    this.blockSize[block] = (this.blockSize[block] as number) - 1;
  }

  #split(blocks: number[], at: number): void {
    const full = blocks[at] as number;
    const next = this.#newBlock();
    const half = BLOCK_NODES / 2;
    this.#moveTail(full, half, next);
    this.blockIsLoose[full] = 1;
    this.blockIsLoose[next] = 1;
    blocks.splice(at + 1, 0, next);
    this.narrow(full);
    this.narrow(next);
  }

  /** Joins a block with the one after it, when both fit in one with room to spare. */
  #join(blocks: number[], at: number): void {
    const block = blocks[at] as number;
    const next = blocks[at + 1];
    if (next === undefined) return;
    const size = (this.blockSize[block] as number) + (this.blockSize[next] as number);
    if (size > BLOCK_NODES - BLOCK_NODES_MIN) return;
    this.#moveTail(next, 0, block);
    blocks.splice(at + 1, 1);
    this.#spareBlocks.push(next);
    this.blockIsLoose[block] = 1;
    this.narrow(block);
  }

  /** Appends what a block has from a position on to another block. */
  #moveTail(from: number, position: number, to: number): void {
    const first = from * BLOCK_NODES;
    const size = this.blockSize[from] as number;
    let toSize = this.blockSize[to] as number;
    for (let at = first + position; at < first + size; at += 1) {
      const slot = this.blockNodes[at] as number;
      this.blockNodes[to * BLOCK_NODES + toSize] = slot;
      this.#columns.block[slot] = to;
      toSize += 1;
    }
    this.blockSize[to] = toSize;
    this.blockSize[from] = position;
  }

  #newBlock(): number {
    const spare = this.#spareBlocks.pop();
    const block = spare ?? this.#blocks;
    if (spare === undefined) {
      this.#blocks += 1;
      this.#reserve(this.#blocks);
    }
    this.blockSize[block] = 0;
    this.blockCpuMax[block] = 0;
    this.blockMemoryMax[block] = 0;
    this.blockIdleGpusMax[block] = 0;
    this.blockDiskMax[block] = 0;
    this.blockLeftovers[block] = 0;
    this.blockIsLoose[block] = 0;
    return block;
  }

  #reserve(blocks: number): void {
    if (blocks <= this.blockSize.length) return;
    const length = Math.max(16, blocks, Math.ceil(this.blockSize.length * 1.5));
    this.blockNodes = grown(this.blockNodes, length * BLOCK_NODES);
    this.blockSize = grown(this.blockSize, length);
    this.blockCpuMax = grown(this.blockCpuMax, length);
    this.blockMemoryMax = grown(this.blockMemoryMax, length);
    this.blockIdleGpusMax = grown(this.blockIdleGpusMax, length);
    this.blockDiskMax = grown(this.blockDiskMax, length);
    this.blockLeftovers = grown(this.blockLeftovers, length);
    this.blockIsLoose = grown(this.blockIsLoose, length);
  }
}

function levelsIn(key: number): [gpu: number, cpu: number, memory: number] {
  const memory = key % LEVELS;
  const rest = (key - memory) / LEVELS;
  const cpu = rest % LEVELS;
  return [((rest - cpu) / LEVELS) % LEVELS, cpu, memory];
}
