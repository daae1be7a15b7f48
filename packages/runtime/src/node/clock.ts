import type { Clock, Timer } from "../ports.ts";

/** The longest delay `setTimeout` honours; anything longer would fire at once. */
const TIMEOUT_MS_MAX = 2_147_483_647;

export const nodeClock: Clock = {
  nowUnixMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: startTimer,
  every(intervalMs, run) {
    const interval = setInterval(run, Math.min(intervalMs, TIMEOUT_MS_MAX));
    return { cancel: () => clearInterval(interval) };
  },
};

function startTimer(delayMs: number, run: () => void): Timer {
  let leftMs = Math.max(0, delayMs);
  let timeout = setTimeout(elapse, Math.min(leftMs, TIMEOUT_MS_MAX));
  function elapse(): void {
    leftMs -= TIMEOUT_MS_MAX;
    if (leftMs <= 0) run();
    else timeout = setTimeout(elapse, Math.min(leftMs, TIMEOUT_MS_MAX));
  }
  return { cancel: () => clearTimeout(timeout) };
}
