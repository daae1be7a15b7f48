const WAIT_MIN_MS = 100;
const WAIT_MAX_MS = 5_000;
/** Having run this long, an end counts as the first one again. */
const STEADY_AFTER_MS = 10_000;

/** How long to wait before the next start of something that keeps ending. */
export class RestartBackoff {
  #endsInARow = 0;

  nextWaitMs(ranMs: number): number {
    if (ranMs >= STEADY_AFTER_MS) this.#endsInARow = 0;
    const waitMs = Math.min(WAIT_MIN_MS * 2 ** this.#endsInARow, WAIT_MAX_MS);
    this.#endsInARow += 1;
    return waitMs;
  }
}
