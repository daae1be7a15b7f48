import type { Context } from "../context.ts";
import { LiveLines } from "./live-lines.ts";

const INTERVAL_MS = 100;

/** How far a walk over the log has got, on a terminal only. */
export class LogProgress {
  readonly #lines: LiveLines | null;
  readonly #verb: string;
  #shownAtMs = Number.NEGATIVE_INFINITY;

  constructor({ terminal, isJson }: Context, verb: string) {
    this.#lines = terminal.notes.isTerminal && !isJson ? new LiveLines(terminal.notes) : null;
    this.#verb = verb;
  }

  update(seq: number, last: number): void {
    const nowMs = performance.now();
    if (this.#lines === null || nowMs - this.#shownAtMs < INTERVAL_MS) return;
    this.#shownAtMs = nowMs;
    this.#lines.update([`${this.#verb} entry ${seq} of ${last}`]);
  }

  end(): void {
    this.#lines?.end();
  }
}
