import { GPUS_LEFT, GPUS_SPENT, NO_GPUS, NONE } from "./fleet-columns.ts";
import { FITS_NONE, type FleetRequest, type Taken } from "./fleet-request.ts";
import type { Fleet } from "./fleet.ts";
import { BLOCK_NODES, type Cell } from "./node-cells.ts";
import { costAt, LOSS_MAX, preferredAt, premiumPoints } from "./node-loss.ts";
import { forEachSlot } from "./slot-bits.ts";
import { blendedLoss, costPoints, type StockPrices } from "./stocks.ts";

/** Cells are searched in the order of their bounds, as exactly as this many ranges of bounds allow. */
const RANGES = 64;

/** A request that may go to so few nodes, and one in so many, is asked of each of them. */
const FEW_NODES = 128;
const FEW_PART = 4;

/** A node that was found: a search can go on after it. */
export interface Found {
  readonly slot: number;
  readonly rank: number;
  /** Points that the request loses there. */
  readonly loss: number;
}

/** Comes before every node. */
export const BEFORE_ALL: Found = { slot: NONE, rank: NONE, loss: -LOSS_MAX };

/**
 * Finds the node on which a request loses the fewest points, and among equals the first by id: branch
 * and bound over the fleet's cells (Land and Doig, 1960). A cell bounds what a placement costs on any
 * of its nodes, a block what any of its nodes has free; nodes that could be better than the best so far
 * are looked at one by one. What is passed by cannot be better, so the result is that of looking at all.
 */
export class Search {
  readonly #fleet: Fleet;
  readonly #heads = new Int32Array(RANGES);
  #nextInRange = new Int32Array(0);
  #bounds = new Int32Array(0);
  /** The best node so far. */
  #slot = NONE;
  #loss = LOSS_MAX;
  #rank = LOSS_MAX;
  /** The most that preferences can make up for. */
  #preferredMax = 0;
  /** Bits of leftovers, as the columns have them. */
  #betterLeftovers = 0;
  #equalLeftovers = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  /** Points lost on the node that was found last. */
  get loss(): number {
    return this.#loss;
  }

  /** The slot of the best node that comes after `after`; `NONE` when there is none. */
  find(request: FleetRequest, after = BEFORE_ALL): number {
    this.#slot = NONE;
    this.#loss = LOSS_MAX;
    this.#rank = LOSS_MAX;
    this.#preferredMax = 0;
    for (const { pointsMax } of request.preferences) this.#preferredMax += pointsMax;
    if (request.mask !== null && isFew(request.maskSize, this.#fleet.nodes)) {
      forEachSlot(request.mask, (slot) => {
        if (this.#fleet.isOpen(slot)) this.#consider(slot, request, after);
      });
      return this.#slot;
    }
    const { occupied, cells } = this.#fleet.cells;
    const shift = this.#sortCells(request);
    for (let range = 0; range < RANGES; range += 1) {
      if ((range << shift) - this.#preferredMax > this.#loss) break;
      let at = this.#heads[range] as number;
      for (; at !== NONE; at = this.#nextInRange[at] as number) {
        const bound = (this.#bounds[at] as number) - this.#preferredMax;
        if (bound > this.#loss) continue;
        this.#searchCell(cells[occupied[at] as number] as Cell, bound, request, after);
      }
    }
    return this.#slot;
  }

  /** Bounds every cell and sorts them into ranges; returns the width of a range, as a shift. */
  #sortCells(request: FleetRequest): number {
    const { occupied, cells } = this.#fleet.cells;
    if (this.#bounds.length < occupied.length) {
      this.#bounds = new Int32Array(occupied.length * 2);
      this.#nextInRange = new Int32Array(occupied.length * 2);
    }
    const { cpuMillis, memoryMiB, taken } = request;
    const { prices } = this.#fleet;
    const hasGpus = request.gpuCount > 0;
    let highest = 0;
    for (let at = 0; at < occupied.length; at += 1) {
      const cell = cells[occupied[at] as number] as Cell;
      if (cell.cpuMax < cpuMillis || cell.memoryMax < memoryMiB) {
        this.#bounds[at] = LOSS_MAX;
        continue;
      }
      const bound = hasGpus ? boundWithGpus(cell, request) : boundWithout(cell, taken, prices);
      this.#bounds[at] = bound;
      if (bound > highest && bound < LOSS_MAX) highest = bound;
    }
    const shift = Math.max(0, 32 - Math.clz32(highest) - 6);
    this.#heads.fill(NONE);
    for (let at = 0; at < occupied.length; at += 1) {
      const bound = this.#bounds[at] as number;
      if (bound === LOSS_MAX) continue;
      const range = bound >> shift;
      this.#nextInRange[at] = this.#heads[range] as number;
      this.#heads[range] = at;
    }
    return shift;
  }

  #searchCell(cell: Cell, bound: number, request: FleetRequest, after: Found): void {
    const { cells, columns } = this.#fleet;
    const { cpuMillis, memoryMiB, diskMiB, taken } = request;
    const { blocks } = cell;
    const idleGpus = request.gpuMillis === 1000 ? request.gpuCount : 0;
    let lossSeen = LOSS_MAX + 1;
    for (let at = 0; at < blocks.length; at += 1) {
      const block = blocks[at] as number;
      if ((cells.blockCpuMax[block] as number) < cpuMillis) continue;
      if ((cells.blockMemoryMax[block] as number) < memoryMiB) continue;
      if ((cells.blockDiskMax[block] as number) < diskMiB) continue;
      if ((cells.blockIdleGpusMax[block] as number) < idleGpus) continue;
      if (taken.lostByBucket !== null && lossSeen !== this.#loss) {
        this.#sortLeftovers(cell, request, taken.lostByBucket);
        lossSeen = this.#loss;
      }
      const first = cells.blockNodes[block * BLOCK_NODES] as number;
      const isBehind = (columns.rank[first] as number) > this.#rank;
      if (isBehind && bound === this.#loss) return;
      const leftovers = isBehind ? this.#betterLeftovers : this.#equalLeftovers;
      if (taken.lostByBucket === null) this.#searchBlock(block, bound, request, after);
      else if (((cells.blockLeftovers[block] as number) & leftovers) !== 0) {
        this.#searchBlock(block, bound, request, after);
      }
    }
  }

  #searchBlock(block: number, bound: number, request: FleetRequest, after: Found): void {
    const { columns, cells } = this.#fleet;
    const { rank, leftovers } = columns;
    const hasPreferences = request.preferences.length > 0;
    const isShare = request.taken.lostByBucket !== null;
    const first = block * BLOCK_NODES;
    const end = first + (cells.blockSize[block] as number);
    let fitting = 0;
    for (let at = first; at < end; at += 1) {
      const slot = cells.blockNodes[at] as number;
      const order = rank[slot] as number;
      if (isShare) {
        const useful = order > this.#rank ? this.#betterLeftovers : this.#equalLeftovers;
        if (((leftovers[slot] as number) & useful) === 0) continue;
      }
      // What is preferred is cheaper to tell than the rest, and often enough.
      const preferred = hasPreferences ? preferredAt(request, slot) : 0;
      const least = bound + this.#preferredMax - preferred;
      if (least > this.#loss || (least === this.#loss && order > this.#rank)) {
        fitting += 1;
        continue;
      }
      const cost = costAt(this.#fleet, request, slot);
      if (cost === LOSS_MAX) continue;
      fitting += 1;
      this.#compare(slot, cost - preferred, request, after);
    }
    if (fitting === 0) cells.narrow(block);
  }

  #consider(slot: number, request: FleetRequest, after: Found): void {
    const cost = costAt(this.#fleet, request, slot);
    if (cost !== LOSS_MAX) this.#compare(slot, cost - preferredAt(request, slot), request, after);
  }

  /** Whether a node on which the request fits is the best so far. */
  #compare(slot: number, loss: number, request: FleetRequest, after: Found): void {
    const order = this.#fleet.columns.rank[slot] as number;
    if (loss >= LOSS_MAX) return;
    if (loss > this.#loss || (loss === this.#loss && order > this.#rank)) return;
    if (loss < after.loss || (loss === after.loss && order <= after.rank)) return;
    if (request.alsoFits?.(slot) === false) return;
    this.#slot = slot;
    this.#loss = loss;
    this.#rank = order;
  }

  /** Finds out on which leftovers a share may lose less than on the best node so far, or as much. */
  #sortLeftovers(
    { kind, premium, gpuSurplusMax }: Cell,
    { gpuCount, gpuMillis, taken }: FleetRequest,
    lostByBucket: Int32Array,
  ): void {
    const extra = premiumPoints(premium, gpuCount, gpuMillis) - this.#preferredMax;
    this.#betterLeftovers = 0;
    this.#equalLeftovers = 0;
    for (let bucket = 0; bucket < lostByBucket.length; bucket += 1) {
      const lost = lostByBucket[bucket] as number;
      if (lost === FITS_NONE) continue;
      const spare = kind === GPUS_LEFT ? gpuSurplusMax : FITS_NONE;
      const loss = costPoints(Math.max(0, lost - spare), taken.stepPoints) + extra;
      if (loss < this.#loss) this.#betterLeftovers |= 1 << bucket;
      if (loss <= this.#loss) this.#equalLeftovers |= 1 << bucket;
    }
  }
}

function isFew(size: number, nodes: number): boolean {
  return size <= FEW_NODES && FEW_PART * size <= nodes;
}

function boundWithGpus(cell: Cell, request: FleetRequest): number {
  const { gpuCount, gpuMillis, kinds, taken } = request;
  if (cell.kind === NO_GPUS) return LOSS_MAX;
  if (taken.lostByBucket === null) {
    if (cell.idleGpusMax < gpuCount) return LOSS_MAX;
  } else if ((cell.leftovers & taken.fittingLeftovers) === 0) return LOSS_MAX;
  if (kinds !== null && cell.gpuKind !== NONE && kinds[cell.gpuKind] === Infinity) return LOSS_MAX;
  const extra = premiumPoints(cell.premium, gpuCount, gpuMillis);
  if (cell.kind === GPUS_SPENT) return extra;
  const lost = Math.max(
    taken.gpusMin - cell.gpuSurplusMax,
    taken.cpuBesideGpus - cell.cpuSurplusMax,
    taken.memoryBesideGpus - cell.memorySurplusMax,
    0,
  );
  return costPoints(lost, taken.stepPoints) + extra;
}

function boundWithout(cell: Cell, taken: Taken, prices: StockPrices): number {
  const { cpuSurplusMin, cpuSurplusMax, memorySurplusMin, memorySurplusMax } = cell;
  if (cell.kind === GPUS_LEFT) {
    const lost = Math.max(
      taken.cpuBesideGpus - cpuSurplusMax,
      taken.memoryBesideGpus - memorySurplusMax,
      0,
    );
    return costPoints(lost, taken.stepPoints) + taken.reservePoints;
  }
  // The loss falls with the cpu surplus where more cpu is taken than memory, and rises with it else.
  const surplus =
    taken.cpu > taken.memory ? cpuSurplusMax - memorySurplusMin : cpuSurplusMin - memorySurplusMax;
  const lost = blendedLoss(taken.cpu, taken.memory, surplus, prices);
  // One less, because what is rounded on the way need not fall as the exact loss does.
  return costPoints(Math.max(0, lost - 1), taken.stepPoints);
}
