import { closeSync, constants, openSync, readSync } from "node:fs";
import { agentLimits } from "../../limits.ts";

/**
 * The kernel's log from its oldest line that is still kept. Nothing where it may not be read (a
 * container, an unprivileged agent).
 */
export class KernelLog {
  readonly #descriptor: number | null;
  readonly #buffer = Buffer.alloc(agentLimits.kernelLogRecordBytesMax);

  constructor(file = "/dev/kmsg") {
    this.#descriptor = openQuietly(file);
  }

  /** Messages that came since the last call, oldest first; the rest of very many comes next time. */
  read(): string[] {
    const messages: string[] = [];
    if (this.#descriptor === null) return messages;
    while (messages.length < agentLimits.kernelLogRecordsMax) {
      const message = this.#next(this.#descriptor);
      if (message === null) break;
      messages.push(message);
    }
    return messages;
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor);
  }

  /** Null at the end; empty for a record that was overwritten before it was read. */
  #next(descriptor: number): string | null {
    try {
      const bytes = readSync(descriptor, this.#buffer);
      if (bytes === 0) return null;
      const record = this.#buffer.toString("utf8", 0, bytes);
      // `6,339,5140900,-;the message`, then lines of a dictionary.
      return record.slice(record.indexOf(";") + 1).split("\n")[0] ?? "";
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "EPIPE" ? "" : null;
    }
  }
}

function openQuietly(file: string): number | null {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
}
