import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta";

/** One of the process's two outputs. */
export interface TextStream {
  readonly isTerminal: boolean;
  readonly columns: number;
  write(text: string): void;
  /** The text in a style where colours are wanted, else as it is. */
  paint(style: Style, text: string): string;
}

/** Data goes to `out` and everything said about it to `notes`, so that pipes stay clean. */
export interface Terminal {
  readonly out: TextStream;
  readonly notes: TextStream;
}

const COLUMNS_DEFAULT = 100;

export function processTerminal(env: Readonly<Record<string, string | undefined>>): Terminal {
  return { out: stream(process.stdout, env), notes: stream(process.stderr, env) };
}

function stream(
  target: NodeJS.WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): TextStream {
  const isTerminal = target.isTTY === true;
  // https://no-color.org: any value that is not empty.
  const hasColours = isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb";
  return {
    isTerminal,
    get columns() {
      // A terminal that nobody has told its size says 0.
      return target.columns || COLUMNS_DEFAULT;
    },
    write: (text) => void target.write(text),
    paint: (style, text) => (hasColours ? styleText(style, text) : text),
  };
}
