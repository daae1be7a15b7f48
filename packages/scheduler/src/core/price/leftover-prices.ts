/** A whole GPU in the capacity units of this module: thousandths. */
const CAPACITY = 1000;

/** A size to be cut from GPUs, 1 … 1000 thousandths, and how much of it is wanted (any unit). */
export interface Piece {
  readonly size: number;
  readonly demand: number;
}

/** The optimal fractional cutting plan for a demand, and what it says things are worth. */
export interface LeftoverPrices {
  /** GPUs the plan uses: the least that any packing of the whole demand could use. */
  readonly gpus: number;
  /** What one piece truly costs, in GPUs, in the order of the pieces given. */
  readonly piecePrices: readonly number[];
  /** What a GPU with `r` thousandths free is worth, in GPUs, for r = 0 … 1000; `[1000]` is 1. */
  readonly worth: Float64Array;
}

/** Distinct sizes priced exactly; a finer demand is first rounded up to a coarser grid. */
export const PRICED_SIZES_MAX = 64;

/** Bound on pivots: each is one pattern; a demand of {@link PRICED_SIZES_MAX} sizes needs a few hundred. */
export const PRICING_PIVOTS_MAX = 5_000;

const TOLERANCE = 1e-9;

/**
 * Prices the leftover of a GPU by the cutting-stock linear programme: minimise the GPUs used so that
 * every piece is cut often enough, over all patterns of pieces that fit one GPU. Its dual prices say
 * what each piece costs; the best filling of a leftover at those prices is what the leftover is worth.
 *
 * Method: the revised simplex with patterns found by a knapsack; Gilmore and Gomory, "A linear
 * programming approach to the cutting-stock problem", Operations Research 9 (1961) and 11 (1963).
 */
export function priceLeftovers(pieces: readonly Piece[]): LeftoverPrices {
  const basis = createBasis(pieces);
  const sizes = Int16Array.from(pieces, ({ size }) => size);
  const worth = new Float64Array(CAPACITY + 1);
  const lastCut = new Int16Array(CAPACITY + 1);
  const pattern = new Float64Array(pieces.length);
  for (let pivots = 0; pivots < PRICING_PIVOTS_MAX; pivots++) {
    const overpaid = basis.prices.findIndex((price) => price < -TOLERANCE);
    pattern.fill(0);
    if (overpaid >= 0) {
      pattern[overpaid] = -1;
      basis.enter(pattern, 0);
      continue;
    }
    fillWorth(sizes, basis.prices, worth, lastCut);
    if ((worth[CAPACITY] as number) <= 1 + TOLERANCE) break;
    readPattern(sizes, lastCut, pattern);
    basis.enter(pattern, 1);
  }
  fillWorth(sizes, basis.prices, worth, lastCut);
  // At the optimum this divides by one. Cut short, it keeps the prices feasible (Farley, 1990).
  const scale = 1 / Math.max(1, worth[CAPACITY] as number);
  return {
    gpus: basis.cost(),
    piecePrices: Array.from(basis.prices, (price) => price * scale),
    worth: worth.map((gpus, free) => (free === CAPACITY ? 1 : gpus * scale)),
  };
}

/**
 * Rounds sizes up to the finest grid that leaves at most {@link PRICED_SIZES_MAX} of them, and merges
 * equal ones. Rounding up keeps every plan feasible.
 */
export function coarsen(pieces: readonly Piece[]): Piece[] {
  for (const grid of [1, 2, 5, 10, 20, 50]) {
    const demands = new Map<number, number>();
    for (const { size, demand } of pieces) {
      if (demand <= 0) continue;
      const rounded = Math.min(CAPACITY, Math.ceil(size / grid) * grid);
      demands.set(rounded, (demands.get(rounded) ?? 0) + demand);
    }
    if (demands.size > PRICED_SIZES_MAX) continue;
    return [...demands].map(([size, demand]) => ({ size, demand })).sort((a, b) => a.size - b.size);
  }
  throw new RangeError("a grid of 50 thousandths leaves at most 20 sizes");
}

/** Columns of a feasible plan, kept as the inverse of their matrix. */
interface Basis {
  /** Dual price of each piece. */
  readonly prices: Float64Array;
  /** Lets a column of this cost replace the one that first runs out. */
  enter(column: Float64Array, cost: number): void;
  cost(): number;
}

/** Starts from the plan that cuts every GPU into pieces of one size. */
function createBasis(pieces: readonly Piece[]): Basis {
  const count = pieces.length;
  const perGpu = pieces.map(({ size }) => Math.floor(CAPACITY / size));
  const inverse = perGpu.map((times, row) => {
    const cells = new Float64Array(count);
    cells[row] = 1 / times;
    return cells;
  });
  const amounts = Float64Array.from(pieces, ({ demand }, row) => demand / (perGpu[row] ?? 1));
  const costs = new Float64Array(count).fill(1);
  const prices = Float64Array.from(perGpu, (times) => 1 / times);

  function refreshPrices(): void {
    prices.fill(0);
    for (const [row, cells] of inverse.entries()) {
      const cost = costs[row] as number;
      for (let piece = 0; piece < count; piece++) {
        prices[piece] = (prices[piece] as number) + cost * (cells[piece] as number);
      }
    }
  }

  function leavingRow(direction: readonly number[]): number {
    let leaving = -1;
    let least = Infinity;
    for (const [row, rate] of direction.entries()) {
      if (rate <= TOLERANCE) continue;
      const lasts = (amounts[row] as number) / rate;
      if (lasts >= least) continue;
      least = lasts;
      leaving = row;
    }
    if (leaving < 0) throw new Error("the cutting-stock programme is bounded by its demand");
    return leaving;
  }

  return {
    prices,
    enter(column, cost) {
      const direction = inverse.map((cells) => dot(cells, column));
      const leaving = leavingRow(direction);
      const pivot = direction[leaving] as number;
      const pivotCells = (inverse[leaving] as Float64Array).map((cell) => cell / pivot);
      const entered = (amounts[leaving] as number) / pivot;
      for (const [row, cells] of inverse.entries()) {
        const rate = direction[row] as number;
        if (row === leaving || rate === 0) continue;
        for (let piece = 0; piece < count; piece++) {
          cells[piece] = (cells[piece] as number) - rate * (pivotCells[piece] as number);
        }
        amounts[row] = Math.max(0, (amounts[row] as number) - rate * entered);
      }
      inverse[leaving] = pivotCells;
      amounts[leaving] = entered;
      costs[leaving] = cost;
      refreshPrices();
    },
    cost: () => amounts.reduce((sum, amount, row) => sum + amount * (costs[row] as number), 0),
  };
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] as number) * (b[at] as number);
  return sum;
}

/** Unbounded knapsack for every capacity at once; `lastCut` remembers one piece of each best filling. */
function fillWorth(
  sizes: Int16Array,
  prices: Float64Array,
  worth: Float64Array,
  lastCut: Int16Array,
): void {
  worth[0] = 0;
  lastCut[0] = -1;
  for (let free = 1; free <= CAPACITY; free++) {
    let best = worth[free - 1] as number;
    let cut = -1;
    for (let piece = 0; piece < sizes.length; piece++) {
      const rest = free - (sizes[piece] as number);
      if (rest < 0) continue;
      const value = (worth[rest] as number) + (prices[piece] as number);
      if (value <= best + TOLERANCE) continue;
      best = value;
      cut = piece;
    }
    worth[free] = best;
    lastCut[free] = cut;
  }
}

function readPattern(sizes: Int16Array, lastCut: Int16Array, pattern: Float64Array): void {
  let free = CAPACITY;
  while (free > 0) {
    const cut = lastCut[free] as number;
    if (cut < 0) {
      free--;
      continue;
    }
    pattern[cut] = (pattern[cut] as number) + 1;
    free -= sizes[cut] as number;
  }
}
