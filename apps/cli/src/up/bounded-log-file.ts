import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

const FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Appends to a file, and starts a new one beside the last when it is full: two files at most. */
export class BoundedLogFile {
  readonly #path: string;
  readonly #bytesMax: number;
  #descriptor: number;
  #bytes: number;

  constructor(path: string, bytesMax = FILE_BYTES_MAX) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#descriptor = openSync(path, "a", 0o600);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** Never throws: a full disk costs log lines, not the cluster. */
  write(chunk: Buffer): void {
    try {
      if (this.#bytes + chunk.length > this.#bytesMax && this.#bytes > 0) this.#rotate();
      this.#bytes += writeSync(this.#descriptor, chunk);
    } catch {
      // There is nowhere left to say so.
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    renameSync(this.#path, `${this.#path}.1`);
    this.#descriptor = openSync(this.#path, "a", 0o600);
    this.#bytes = 0;
  }
}
