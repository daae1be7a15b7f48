import { grown, NONE } from "./fleet-columns.ts";

/** Growth of the table: small, because its unused end is memory too. */
const GROWTH = 1.25;
const ROWS_MIN = 64;

/**
 * What each task was given, as one array for each field: 64 bytes for a task. Rows of tasks that have
 * ended are given to new ones.
 */
export class TaskTable {
  /** Of a row without a task: `NONE`. */
  slot = new Int32Array(0);
  cpuMillis = new Float64Array(0);
  memoryMiB = new Float64Array(0);
  diskMiB = new Float64Array(0);
  networkMbps = new Int32Array(0);
  ports = new Uint8Array(0);
  /** Thousandths of each of its GPUs. */
  gpuMillis = new Uint16Array(0);
  gpuMemoryMiB = new Int32Array(0);
  /** Which GPUs of the node: the bits of the first 32, and of the others. */
  gpus = new Int32Array(0);
  moreGpus = new Int32Array(0);
  /** Neighbours in the list that a task is in: see `link`. A spare row's next one. */
  previous = new Int32Array(0);
  next = new Int32Array(0);
  /** The next task on the same node. */
  beside = new Int32Array(0);
  rows = 0;
  #spare = NONE;
  /** First task of each list, and of each node by slot. */
  readonly #first: number[] = [];
  #firstOn = new Int32Array(0);

  /** A row for a task on a node. */
  add(slot: number): number {
    const row = this.#newRow();
    if (slot >= this.#firstOn.length) {
      const from = this.#firstOn.length;
      this.#firstOn = grown(this.#firstOn, Math.max(ROWS_MIN, 2 * slot)).fill(NONE, from);
    }
    this.slot[row] = slot;
    this.beside[row] = this.#firstOn[slot] as number;
    this.#firstOn[slot] = row;
    return row;
  }

  /** A task on the node; `NONE` where there is none. */
  firstOn(slot: number): number {
    return this.#firstOn[slot] ?? NONE;
  }

  #newRow(): number {
    const spare = this.#spare;
    if (spare !== NONE) {
      this.#spare = this.next[spare] as number;
      return spare;
    }
    if (this.rows === this.slot.length) this.#grow();
    this.rows += 1;
    return this.rows - 1;
  }

  remove(row: number): void {
    this.#unlink(row);
    this.#takeFrom(this.slot[row] as number, row);
    this.slot[row] = NONE;
    this.next[row] = this.#spare;
    this.#spare = row;
  }

  /** A new list of tasks, by its number. */
  addList(): number {
    this.#first.push(NONE);
    return this.#first.length - 1;
  }

  /** Puts a row in a list; `NONE` for no list. */
  link(row: number, list: number): void {
    this.previous[row] = NONE;
    this.next[row] = NONE;
    if (list === NONE) return;
    const second = this.#first[list] as number;
    this.#first[list] = row;
    this.next[row] = second;
    this.previous[row] = headOf(list);
    if (second !== NONE) this.previous[second] = row;
  }

  /** Whether a row is in a list. */
  isLinked(row: number): boolean {
    return this.previous[row] !== NONE;
  }

  *rowsOf(list: number): Generator<number> {
    let row = this.#first[list] ?? NONE;
    for (; row !== NONE; row = this.next[row] as number) yield row;
  }

  #unlink(row: number): void {
    const before = this.previous[row] as number;
    if (before === NONE) return;
    const after = this.next[row] as number;
    if (before >= 0) this.next[before] = after;
    else this.#first[listOf(before)] = after;
    if (after !== NONE) this.previous[after] = before;
  }

  #takeFrom(slot: number, row: number): void {
    let before = this.#firstOn[slot] as number;
    if (before === row) {
      this.#firstOn[slot] = this.beside[row] as number;
      return;
    }
    while (this.beside[before] !== row) before = this.beside[before] as number;
    this.beside[before] = this.beside[row] as number;
  }

  #grow(): void {
    const length = Math.max(ROWS_MIN, Math.ceil(this.rows * GROWTH));
    this.slot = grown(this.slot, length);
    this.cpuMillis = grown(this.cpuMillis, length);
    this.memoryMiB = grown(this.memoryMiB, length);
    this.diskMiB = grown(this.diskMiB, length);
    this.networkMbps = grown(this.networkMbps, length);
    this.ports = grown(this.ports, length);
    this.gpuMillis = grown(this.gpuMillis, length);
    this.gpuMemoryMiB = grown(this.gpuMemoryMiB, length);
    this.gpus = grown(this.gpus, length);
    this.moreGpus = grown(this.moreGpus, length);
    this.previous = grown(this.previous, length);
    this.next = grown(this.next, length);
    this.beside = grown(this.beside, length);
  }
}

/** The first task of a list has the list's number before it, below `NONE`. */
function headOf(list: number): number {
  return NONE - 1 - list;
}

function listOf(head: number): number {
  return NONE - 1 - head;
}
