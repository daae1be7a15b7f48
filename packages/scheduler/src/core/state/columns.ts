import { assert } from "@berth/runtime/assert";

/**
 * Columns of a table that is kept as arrays of one field each: millions of rows take a fraction of
 * the memory of objects, and the garbage collector has nothing to walk. A column grows as rows are
 * set; a row is a number from 0.
 */
const ROWS_MIN = 64;
/** Small, because the unused end of a column is memory too. */
const GROWTH = 1.25;

type NumberArray = Float64Array | Uint32Array | Uint8Array;

/** What every kind of column can do, whatever is in it. */
export interface Column {
  /** Makes room for so many rows at once, where their number is known before they are set. */
  reserve(rows: number): void;
}

/** Numbers, in the width of the array given. */
export class NumberColumn implements Column {
  #numbers: NumberArray;

  constructor(empty: NumberArray) {
    this.#numbers = empty;
  }

  get(row: number): number {
    const number = this.#numbers[row];
    assert(number !== undefined, "no such row");
    return number;
  }

  set(row: number, number: number): void {
    if (row >= this.#numbers.length) this.#grow(row + 1);
    this.#numbers[row] = number;
  }

  copy(): NumberColumn {
    return new NumberColumn(this.#numbers.slice());
  }

  reserve(rows: number): void {
    if (rows > this.#numbers.length) this.#resize(rows);
  }

  #grow(rows: number): void {
    this.#resize(Math.max(ROWS_MIN, rows, Math.ceil(this.#numbers.length * GROWTH)));
  }

  #resize(rows: number): void {
    const grown = sameKind(this.#numbers, rows);
    grown.set(this.#numbers);
    this.#numbers = grown;
  }
}

function sameKind(array: NumberArray, length: number): NumberArray {
  if (array instanceof Float64Array) return new Float64Array(length);
  if (array instanceof Uint32Array) return new Uint32Array(length);
  return new Uint8Array(length);
}

/** Numbers, any but NaN, or null. */
export class NullableColumn implements Column {
  readonly #numbers: NumberColumn;

  constructor(numbers = new NumberColumn(new Float64Array())) {
    this.#numbers = numbers;
  }

  get(row: number): number | null {
    const number = this.#numbers.get(row);
    return Number.isNaN(number) ? null : number;
  }

  set(row: number, number: number | null): void {
    this.#numbers.set(row, number ?? Number.NaN);
  }

  copy(): NullableColumn {
    return new NullableColumn(this.#numbers.copy());
  }

  reserve(rows: number): void {
    this.#numbers.reserve(rows);
  }
}

/** One of a few words; `null` may be one of them. */
export class WordColumn<Word> implements Column {
  readonly #words: readonly Word[];
  readonly #positions: NumberColumn;

  constructor(words: readonly Word[], positions = new NumberColumn(new Uint8Array())) {
    this.#words = words;
    this.#positions = positions;
  }

  get(row: number): Word {
    const word = this.#words[this.#positions.get(row)];
    assert(word !== undefined, "no such word");
    return word;
  }

  set(row: number, word: Word): void {
    const position = this.#words.indexOf(word);
    assert(position >= 0, "a word that the column does not have");
    this.#positions.set(row, position);
  }

  copy(): WordColumn<Word> {
    return new WordColumn(this.#words, this.#positions.copy());
  }

  reserve(rows: number): void {
    this.#positions.reserve(rows);
  }
}

/** Values by reference where most rows have the same one: that takes no room, and no time to set. */
export class RareColumn<Value> implements Column {
  readonly #usual: Value;
  /** Up to the last row that has another; undefined for the usual one. */
  readonly #others: (Value | undefined)[];

  constructor(usual: Value, others: (Value | undefined)[] = []) {
    this.#usual = usual;
    this.#others = others;
  }

  copy(): RareColumn<Value> {
    return new RareColumn(this.#usual, [...this.#others]);
  }

  get(row: number): Value {
    const other = this.#others[row];
    return other === undefined ? this.#usual : other;
  }

  set(row: number, value: Value): void {
    if (value === this.#usual) return this.clear(row);
    if (row >= this.#others.length) this.#others.length = row + 1;
    this.#others[row] = value;
  }

  clear(row: number): void {
    if (row < this.#others.length) this.#others[row] = undefined;
  }

  reserve(): void {
    // Nothing is known of the rows that will need it.
  }
}

/** Values by reference: cheap where many rows share one. */
export class ValueColumn<Value> implements Column {
  readonly #values: (Value | undefined)[];

  constructor(values: (Value | undefined)[] = []) {
    this.#values = values;
  }

  get(row: number): Value {
    const value = this.#values[row];
    assert(value !== undefined, "no such row");
    return value;
  }

  set(row: number, value: Value): void {
    this.#values[row] = value;
  }

  reserve(rows: number): void {
    if (rows > this.#values.length) this.#values.length = rows;
  }

  /** Lets go of the value of a row that is no longer used. */
  clear(row: number): void {
    this.#values[row] = undefined;
  }

  /** Of the column; the values are shared. */
  copy(): ValueColumn<Value> {
    return new ValueColumn(this.#values.slice());
  }
}
