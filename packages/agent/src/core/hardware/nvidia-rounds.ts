import { type NvidiaColumn, type NvidiaRow, parseNvidiaRow } from "./nvidia-query.ts";

/** One listing of all devices that answer. */
export interface NvidiaRound {
  readonly rows: readonly NvidiaRow[];
  /** PCI addresses, as the tool writes them, of devices that it says it cannot reach. */
  readonly lost: readonly string[];
}

/**
 * Puts together what a looping `nvidia-smi` writes line by line: a round has ended when a device
 * comes whose number is not larger than the one before.
 */
export class NvidiaRounds {
  readonly #columns: readonly NvidiaColumn[];
  #rows: NvidiaRow[] = [];
  #lost: string[] = [];

  constructor(columns: readonly NvidiaColumn[]) {
    this.#columns = columns;
  }

  /** The round that this line shows to be complete; null while it goes on. */
  add(line: string): NvidiaRound | null {
    const row = parseNvidiaRow(line, this.#columns);
    if (row === null) {
      const address = lostAddress(line);
      if (address !== null) this.#lost.push(address);
      return null;
    }
    const last = this.#rows.at(-1);
    const complete = last === undefined || row.index > last.index ? null : this.#take();
    this.#rows.push(row);
    return complete;
  }

  #take(): NvidiaRound {
    const round = { rows: this.#rows, lost: this.#lost };
    this.#rows = [];
    this.#lost = [];
    return round;
  }
}

/**
 * `Unable to determine the device handle for GPU0: 0000:3B:00.0: GPU is lost.` and its older forms:
 * the address of a device that is there and does not answer.
 */
export function lostAddress(line: string): string | null {
  if (!/unable to determine the device handle/i.test(line)) return null;
  return /((?:[0-9A-F]{8}|[0-9A-F]{4}):[0-9A-F]{2}:[0-9A-F]{2}\.[0-7])/i.exec(line)?.[1] ?? null;
}
