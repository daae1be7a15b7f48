import { ClusterClient } from "./cluster/cluster-client.ts";
import { makeHarmless } from "./output/harmless-text.ts";
import type { Terminal } from "./output/terminal.ts";

export const outputFormats = ["table", "wide", "json", "jsonl", "name"] as const;
export type OutputFormat = (typeof outputFormats)[number];

export interface ContextOptions {
  readonly terminal: Terminal;
  readonly format: OutputFormat;
  readonly home: string;
  /** Nothing is read from before this sequence of the log. */
  readonly atLeastSeq?: number | undefined;
}

/** What every command gets: where to write, in which form, and the cluster it talks to. */
export class Context {
  readonly terminal: Terminal;
  readonly format: OutputFormat;
  readonly home: string;
  readonly #atLeastSeq: number;
  #client: ClusterClient | null = null;
  #interrupt: AbortController | null = null;

  constructor(options: ContextOptions) {
    this.terminal = options.terminal;
    this.format = options.format;
    this.home = options.home;
    this.#atLeastSeq = options.atLeastSeq ?? 0;
  }

  /** The whole answer as JSON, or a line of JSON for each item. */
  get isJson(): boolean {
    return this.format === "json" || this.format === "jsonl";
  }

  /** Connects on first use. */
  get client(): ClusterClient {
    this.#client ??= new ClusterClient(this.home, {
      atLeastSeq: this.#atLeastSeq,
      onWaiting: (note) => this.note(makeHarmless(note)),
    });
    return this.#client;
  }

  /**
   * Raised by Ctrl-C. Only a command that asks for it keeps the process alive past the first one;
   * for all others the system's own way to end is right.
   */
  get interrupted(): AbortSignal {
    if (this.#interrupt === null) {
      const interrupt = new AbortController();
      process.once("SIGINT", () => interrupt.abort());
      this.#interrupt = interrupt;
    }
    return this.#interrupt.signal;
  }

  /** Data, as one JSON value. */
  printJson(value: unknown): void {
    const text = this.format === "jsonl" ? JSON.stringify(value) : JSON.stringify(value, null, 2);
    this.terminal.out.write(`${text}\n`);
  }

  /** Data, as one line. */
  print(line: string): void {
    this.terminal.out.write(`${line}\n`);
  }

  /** Everything that is not data. */
  note(line: string): void {
    this.terminal.notes.write(`${line}\n`);
  }

  close(): void {
    this.#client?.close();
  }
}
