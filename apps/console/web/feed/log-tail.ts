import { decodeBase64, type LogBuffer } from "../model/log-buffer.ts";
import { apiPaths, type Fetched, fetchJson, type LogsReply } from "./api-client.ts";

export interface LogTailOptions {
  readonly allocation: string;
  readonly stream: "stdout" | "stderr";
  readonly buffer: LogBuffer;
  readonly onChange: (state: LogTailState) => void;
}

/** `following`: waits for more. `ended`: the task has, and all of it is here. */
export type LogTailState =
  | { readonly kind: "loading" | "following" | "paused" | "ended" }
  | { readonly kind: "failed"; readonly message: string };

const TAIL_LINES = 1_000;
const WAIT_MS = 8_000;
const RETRY_MS = 2_000;

/**
 * Pulls a task's output chunk by chunk. Pausing pulls nothing more: the agent keeps what comes, and
 * the cursor goes on from there, or says how much was rotated away meanwhile.
 */
export class LogTail {
  readonly #options: LogTailOptions;
  #abort: AbortController | null = null;
  #nextOffset: number | null = null;

  constructor(options: LogTailOptions) {
    this.#options = options;
  }

  resume(): void {
    if (this.#abort !== null) return;
    const abort = new AbortController();
    this.#abort = abort;
    void this.#follow(abort.signal);
  }

  pause(): void {
    if (this.#abort === null) return;
    this.stop();
    this.#options.onChange({ kind: "paused" });
  }

  stop(): void {
    this.#abort?.abort();
    this.#abort = null;
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { buffer, onChange } = this.#options;
    onChange({ kind: this.#nextOffset === null ? "loading" : "following" });
    while (!signal.aborted) {
      const fetched = await this.#pull(signal);
      if (signal.aborted) return;
      if (!fetched.ok) {
        onChange({ kind: "failed", message: fetched.error.message });
        if (fetched.error.code === "not_found") return;
        await elapsed(RETRY_MS, signal);
        continue;
      }
      const { value } = fetched;
      buffer.append({ ...value, bytes: decodeBase64(value.data) });
      this.#nextOffset = value.nextOffset;
      onChange({ kind: value.end ? "ended" : "following" });
      if (value.end) return;
    }
  }

  #pull(signal: AbortSignal): Promise<Fetched<LogsReply>> {
    const { allocation, stream } = this.#options;
    const isFirst = this.#nextOffset === null;
    const path = apiPaths.logs(allocation, {
      stream,
      from: isFirst
        ? { kind: "tail", lines: TAIL_LINES }
        : { kind: "offset", offset: this.#nextOffset ?? 0 },
      waitMs: isFirst ? 0 : WAIT_MS,
    });
    return fetchJson<LogsReply>(path, signal);
  }
}

function elapsed(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timeout = setTimeout(resolve, delayMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timeout);
      resolve();
    });
  });
}
