import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { endOffset, expiredSegments, locate, type Segment } from "../core/log-segments.ts";
import { agentLimits } from "../limits.ts";
import { isAbsence } from "./durable-file.ts";

export type LogStream = "stdout" | "stderr";
export const LOG_STREAMS: readonly LogStream[] = ["stdout", "stderr"];

export interface LogChunk {
  readonly offset: number;
  readonly skippedBytes: number;
  readonly data: Buffer;
  readonly nextOffset: number;
  /** Where the log ends now. */
  readonly endOffset: number;
}

const COPY_BYTES = 1024 * 1024;
/** A file that grew beyond this many times its size before it was looked at is cut to its newest part. */
const ROTATED_SIZE_FACTOR_MAX = 2;
const SCAN_BYTES = 64 * 1024;
const NEWLINE = 10;

interface LogFile extends Segment {
  readonly file: string;
}

/**
 * One stream of one task, as `logs/stdout.log` and rotated `logs/stdout.<offset>.log`.
 *
 * The task appends to the first and is never told of a rotation: the file is copied and then
 * truncated (copytruncate). What the task writes between the last copied byte and the truncation,
 * two system calls later, is lost. Everything here is synchronous, so that within one agent no read
 * ever sees half a rotation.
 */
export class LogFiles {
  readonly #folder: string;
  readonly #stream: LogStream;

  constructor(folder: string, stream: LogStream) {
    this.#folder = folder;
    this.#stream = stream;
  }

  get currentFile(): string {
    return path.join(this.#folder, `${this.#stream}.log`);
  }

  /** How much was ever written. */
  endOffset(): number {
    return endOffset(this.#segments());
  }

  /** From an absolute offset on; a negative one counts back from the end. */
  read(offset: number, bytesMax: number): LogChunk {
    const segments = this.#segments();
    const position = locate(segments, offset);
    const segment = segments[position.segment];
    const available = (segment?.sizeBytes ?? 0) - position.within;
    const data = Buffer.alloc(Math.max(0, Math.min(bytesMax, available)));
    const length = segment === undefined ? 0 : readAt(segment.file, data, position.within);
    return {
      offset: position.offset,
      skippedBytes: position.skippedBytes,
      data: data.subarray(0, length),
      nextOffset: position.offset + length,
      endOffset: endOffset(segments),
    };
  }

  /** The offset at which the last lines start. A line without its end yet counts as one. */
  offsetOfLastLines(lines: number): number {
    const segments = this.#segments();
    const end = endOffset(segments);
    if (lines === 0) return end;
    let newlinesLeft = lines;
    let scanned = 0;
    const buffer = Buffer.alloc(SCAN_BYTES);
    for (const segment of [...segments].reverse()) {
      let within = segment.sizeBytes;
      while (within > 0 && scanned < agentLimits.logTailScanBytesMax) {
        const from = Math.max(0, within - SCAN_BYTES);
        const length = readAt(segment.file, buffer.subarray(0, within - from), from);
        for (let at = length - 1; at >= 0; at -= 1) {
          const offset = segment.startOffset + from + at;
          if (buffer[at] !== NEWLINE || offset === end - 1) continue;
          newlinesLeft -= 1;
          if (newlinesLeft === 0) return offset + 1;
        }
        scanned += within - from;
        within = from;
      }
      if (scanned >= agentLimits.logTailScanBytesMax) return segment.startOffset + within;
    }
    return segments[0]?.startOffset ?? 0;
  }

  /** Rotates when the current file has grown large, and deletes what is too old. */
  rotateIfLarge(fileBytesMax: number, filesMax: number): boolean {
    const size = sizeOf(this.currentFile);
    if (size === null || size < fileBytesMax) return false;
    this.#finishRotation();
    const before = this.#rotated();
    this.#rotate(endOffset(before), fileBytesMax * ROTATED_SIZE_FACTOR_MAX);
    for (const { file } of expiredSegments(this.#rotated(), filesMax)) {
      rmSync(file, { force: true });
    }
    return true;
  }

  /** Copies the newest bytes of the current file to one named by their offset, then truncates it. */
  #rotate(base: number, keptBytesMax: number): void {
    const current = openSync(this.currentFile, "r+");
    const temporary = path.join(this.#folder, `${this.#stream}.tmp`);
    const target = openSync(temporary, "w", 0o600);
    try {
      const skipped = Math.max(0, fstatSync(current).size - keptBytesMax);
      const buffer = Buffer.allocUnsafe(COPY_BYTES);
      let copied = skipped;
      for (;;) {
        const length = readSync(current, buffer, 0, COPY_BYTES, copied);
        if (length === 0) break;
        writeSync(target, buffer, 0, length);
        copied += length;
      }
      ftruncateSync(current, 0);
      renameSync(temporary, this.#rotatedFile(base + skipped));
    } finally {
      closeSync(current);
      closeSync(target);
    }
  }

  /**
   * An agent was killed during a rotation. A copy that is larger than the current file can only be
   * one whose original was truncated; otherwise the original is whole and the copy is superfluous.
   */
  #finishRotation(): void {
    const temporary = path.join(this.#folder, `${this.#stream}.tmp`);
    const copied = sizeOf(temporary);
    if (copied === null) return;
    if (copied > (sizeOf(this.currentFile) ?? 0)) {
      renameSync(temporary, this.#rotatedFile(endOffset(this.#rotated())));
    } else {
      rmSync(temporary, { force: true });
    }
  }

  #segments(): LogFile[] {
    this.#finishRotation();
    const rotated = this.#rotated();
    const sizeBytes = sizeOf(this.currentFile) ?? 0;
    return [...rotated, { file: this.currentFile, startOffset: endOffset(rotated), sizeBytes }];
  }

  #rotated(): LogFile[] {
    const files: LogFile[] = [];
    const pattern = new RegExp(`^${this.#stream}\\.(\\d{1,16})\\.log$`);
    for (const name of namesIn(this.#folder)) {
      const startOffset = pattern.exec(name)?.[1];
      if (startOffset === undefined) continue;
      const file = path.join(this.#folder, name);
      files.push({ file, startOffset: Number(startOffset), sizeBytes: sizeOf(file) ?? 0 });
    }
    return files.sort((a, b) => a.startOffset - b.startOffset);
  }

  #rotatedFile(startOffset: number): string {
    return path.join(this.#folder, `${this.#stream}.${startOffset}.log`);
  }
}

function readAt(file: string, into: Buffer, from: number): number {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (cause) {
    if (isAbsence(cause)) return 0;
    throw cause;
  }
  try {
    return readSync(descriptor, into, 0, into.length, from);
  } finally {
    closeSync(descriptor);
  }
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (isAbsence(cause)) return [];
    throw cause;
  }
}
