import type { TextStream } from "./terminal.ts";

export interface RecordedStream extends TextStream {
  readonly text: () => string;
}

/** A stream that keeps what is written to it, without colours. */
export function plainStream({ isTerminal = false, columns = 80 } = {}): RecordedStream {
  let written = "";
  return {
    isTerminal,
    columns,
    write: (text) => {
      written += text;
    },
    paint: (_style, text) => text,
    text: () => written,
  };
}
