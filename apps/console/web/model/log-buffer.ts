/** What a log view keeps of a task's output; older lines are dropped. */
export const logLimits = {
  linesMax: 20_000,
  /** A task may write without ever ending a line: it is broken here. */
  lineLengthMax: 8_192,
  /** Of what is kept, this many of the newest are drawn. */
  linesDrawnMax: 2_000,
} as const;

export interface LogLine {
  /** Counts up from 0 and never repeats: the drawn row's identity. */
  readonly number: number;
  readonly kind: "text" | "gap";
  readonly text: string;
}

export interface LogChunk {
  readonly offset: number;
  readonly nextOffset: number;
  readonly skippedBytes: number;
  readonly bytes: Uint8Array;
}

/**
 * A task's output as lines, from chunks of bytes that may end anywhere, within a character too.
 * The text is a stranger's: terminal sequences are taken out, other control characters shown.
 */
export class LogBuffer {
  #lines: LogLine[] = [];
  #decoder = new TextDecoder();
  #partial = "";
  #nextNumber = 0;
  #droppedLines = 0;

  /** Oldest first; the unfinished last line is part of it. */
  lines(): readonly LogLine[] {
    if (this.#partial === "") return this.#lines;
    return [
      ...this.#lines,
      { number: this.#nextNumber, kind: "text", text: plainText(this.#partial) },
    ];
  }

  /** Lines that were here and had to make room. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  append(chunk: LogChunk): void {
    if (chunk.skippedBytes > 0) {
      this.#endPartial();
      this.#decoder = new TextDecoder();
      this.#push("gap", `${chunk.skippedBytes} bytes are no longer there`);
    }
    this.#partial += this.#decoder.decode(chunk.bytes, { stream: true });
    const parts = this.#partial.split("\n");
    this.#partial = parts.pop() ?? "";
    for (const part of parts) this.#pushText(part);
    while (this.#partial.length > logLimits.lineLengthMax) {
      this.#push("text", plainText(this.#partial.slice(0, logLimits.lineLengthMax)));
      this.#partial = this.#partial.slice(logLimits.lineLengthMax);
    }
    this.#dropOldest();
  }

  #pushText(text: string): void {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    for (let at = 0; at === 0 || at < line.length; at += logLimits.lineLengthMax) {
      this.#push("text", plainText(line.slice(at, at + logLimits.lineLengthMax)));
    }
  }

  #endPartial(): void {
    if (this.#partial !== "") this.#pushText(this.#partial);
    this.#partial = "";
  }

  #push(kind: LogLine["kind"], text: string): void {
    this.#lines.push({ number: this.#nextNumber, kind, text });
    this.#nextNumber += 1;
  }

  #dropOldest(): void {
    const surplus = this.#lines.length - logLimits.linesMax;
    if (surplus <= 0) return;
    this.#lines = this.#lines.slice(surplus);
    this.#droppedLines += surplus;
  }
}

// oxlint-disable-next-line no-control-regex -- control characters are what this is about
const TERMINAL_SEQUENCE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-_])/g;
// oxlint-disable-next-line no-control-regex -- as above; bidirectional overrides can fake a line
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Text that cannot do anything but be read. Tabs stay. */
export function plainText(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCE, "")
    .replace(CONTROL, (character) => (character === "\r" ? "" : "\ufffd"));
}

export function decodeBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}
