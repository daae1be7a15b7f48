import { StringDecoder } from "node:string_decoder";
import type { Context } from "../context.ts";
import { formatBytes } from "../output/format-values.ts";
import { HarmlessText } from "../output/harmless-text.ts";
import type { LogSource } from "./read-log.ts";

/** A line that does not end is printed in pieces of this size. */
const LINE_CHARACTERS_MAX = 64 * 1024;

interface OpenStream {
  readonly decoder: StringDecoder;
  readonly harmless: HarmlessText;
  /** The beginning of a line whose end has not come yet. */
  line: string;
}

/**
 * Writes what tasks wrote. One source goes through as it is; several are told apart by a prefix and
 * mixed by whole lines. On a terminal control characters are made harmless; elsewhere the bytes are
 * the task's own.
 */
export class LogPrinter {
  readonly #context: Context;
  readonly #streams = new Map<string, OpenStream>();
  #hasPrefix = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** How many allocations there are so far; from the second one on, lines say whose they are. */
  expect(allocations: number): void {
    if (allocations > 1) this.#hasPrefix = true;
  }

  print(source: LogSource, bytes: Buffer): void {
    const stream = this.#streamOf(source);
    const text = stream.decoder.write(bytes);
    if (this.#isPlain) this.#write(stream, text);
    else this.#writeLines(source, stream, text);
  }

  gap(source: LogSource, skippedBytes: number): void {
    this.#flush(source);
    const bytes = formatBytes(skippedBytes);
    if (this.#context.isJson) {
      this.#context.print(JSON.stringify({ ...fieldsOf(source), text: null, skippedBytes }));
    } else {
      const { id } = source.allocation;
      this.#context.note(`--- ${bytes} of ${id} ${source.stream} are gone: rotated away ---`);
    }
  }

  /** Nothing more comes from it. */
  end(source: LogSource): void {
    const stream = this.#streamOf(source);
    const rest = stream.decoder.end();
    if (this.#isPlain) {
      this.#write(stream, rest);
      this.#context.terminal.out.write(stream.harmless.end());
    } else if (rest !== "") this.#writeLines(source, stream, rest);
    this.#flush(source);
  }

  get #isPlain(): boolean {
    return !this.#hasPrefix && !this.#context.isJson;
  }

  #streamOf(source: LogSource): OpenStream {
    const key = `${source.allocation.id} ${source.stream}`;
    const known = this.#streams.get(key);
    if (known) return known;
    const stream = { decoder: new StringDecoder("utf8"), harmless: new HarmlessText(), line: "" };
    this.#streams.set(key, stream);
    return stream;
  }

  #write(stream: OpenStream, text: string): void {
    const { out } = this.#context.terminal;
    out.write(out.isTerminal ? stream.harmless.push(text) : text);
  }

  #writeLines(source: LogSource, stream: OpenStream, text: string): void {
    const lines = (stream.line + text).split("\n");
    stream.line = lines.pop() ?? "";
    for (const line of lines) this.#writeLine(source, line);
    if (stream.line.length > LINE_CHARACTERS_MAX) this.#flush(source);
  }

  #flush(source: LogSource): void {
    const stream = this.#streamOf(source);
    if (stream.line === "") return;
    this.#writeLine(source, stream.line);
    stream.line = "";
  }

  #writeLine(source: LogSource, line: string): void {
    const { out } = this.#context.terminal;
    if (this.#context.isJson) {
      this.#context.print(JSON.stringify({ ...fieldsOf(source), text: line }));
      return;
    }
    const { workload, index, id } = source.allocation;
    const mark = source.stream === "stderr" ? "!" : "|";
    const prefix = out.paint(
      "dim",
      `${workload.slice(workload.indexOf("/") + 1)}[${index}] ${id} ${mark}`,
    );
    const { harmless } = this.#streamOf(source);
    const shown = out.isTerminal ? harmless.push(line) + harmless.end() : line;
    this.#context.print(`${prefix} ${shown}`);
  }
}

function fieldsOf({ allocation, stream }: LogSource): Record<string, unknown> {
  const { workload, id, index } = allocation;
  return { workload, allocation: id, index, stream };
}
