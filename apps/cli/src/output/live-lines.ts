import { displayWidth } from "./table.ts";
import type { TextStream } from "./terminal.ts";

/**
 * A few lines that change in place on a terminal. Elsewhere each line is written again when it
 * changed, so that a log of the command tells the same story.
 */
export class LiveLines {
  readonly #stream: TextStream;
  #shown: readonly string[] = [];

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  update(lines: readonly string[]): void {
    if (
      lines.length === this.#shown.length &&
      lines.every((line, at) => line === this.#shown[at])
    ) {
      return;
    }
    if (this.#stream.isTerminal) {
      this.#erase();
      this.#stream.write(lines.map((line) => `${this.#fit(line)}\n`).join(""));
    } else {
      for (const line of lines) {
        if (!this.#shown.includes(line)) this.#stream.write(`${line}\n`);
      }
    }
    this.#shown = lines;
  }

  /** Leaves nothing on a terminal: what is final is said by whoever ends it. */
  end(): void {
    if (this.#stream.isTerminal) this.#erase();
    this.#shown = [];
  }

  #erase(): void {
    if (this.#shown.length > 0) this.#stream.write(`\u001b[${this.#shown.length}A\u001b[0J`);
  }

  /** A wrapped line would be two, and the cursor would not find its way back. */
  #fit(line: string): string {
    const room = this.#stream.columns - 1;
    if (displayWidth(line) <= room) return line;
    let cut = line.slice(0, room - 1);
    while (cut !== "" && displayWidth(cut) > room - 1) cut = cut.slice(0, -1);
    return `${cut}…`;
  }
}
