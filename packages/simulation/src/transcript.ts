import { createHash } from "node:crypto";

/** Lines kept of a run that nobody asked to see whole. */
export const TRANSCRIPT_TAIL_LINES = 400;

/**
 * What happened, line by line, each with its virtual second. All of it is hashed; only the tail is
 * kept, unless someone listens.
 */
export class Transcript {
  readonly tail: string[] = [];
  private readonly hash = createHash("sha256");
  private readonly onLine: (line: string) => void;

  constructor(onLine: (line: string) => void = () => {}) {
    this.onLine = onLine;
  }

  add(atMs: number, text: string): void {
    const line = `${(atMs / 1000).toFixed(3).padStart(9)}  ${text}`;
    this.hash.update(`${line}\n`);
    this.onLine(line);
    this.tail.push(line);
    if (this.tail.length > TRANSCRIPT_TAIL_LINES) this.tail.shift();
  }

  digest(): string {
    return this.hash.copy().digest("hex");
  }
}
