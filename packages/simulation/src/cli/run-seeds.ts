import { Worker } from "node:worker_threads";
import type { SeedResult } from "../run-seed.ts";

export interface SeedRange {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
}

export interface SeedFailure {
  readonly seed: number;
  readonly message: string;
}

export interface SeedListener {
  onResult(result: SeedResult): void;
  /** A seed that ended its worker, or did not end. */
  onFailure(failure: SeedFailure): void;
}

/** Far beyond the slowest seed: something turns in circles. */
export const SEED_WALL_MS_MAX = 180_000;

/**
 * Runs seeds on threads, each thread one after another. Resolves when all have run, or once
 * `signal` has stopped it and those under way are done. In which order results come is chance;
 * what they are is not.
 */
export async function runSeeds(
  range: SeedRange,
  listener: SeedListener,
  signal: AbortSignal,
): Promise<void> {
  const seeds = Array.from({ length: range.seeds }, (_unused, i) => range.from + i).values();
  const next = (): number | null => {
    if (signal.aborted) return null;
    const { value, done } = seeds.next();
    return done ? null : value;
  };
  const workers = Math.max(1, Math.min(range.workers, range.seeds));
  await Promise.all(Array.from({ length: workers }, () => runOnThread(next, listener)));
}

/** A thread that a seed has ended is followed by another one. */
async function runOnThread(next: () => number | null, listener: SeedListener): Promise<void> {
  let worker: Worker | null = null;
  for (let seed = next(); seed !== null; seed = next()) {
    worker ??= new Worker(new URL("./seed-worker.js", import.meta.url));
    try {
      listener.onResult(await runOne(worker, seed));
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      listener.onFailure({ seed, message });
      await worker.terminate();
      worker = null;
    }
  }
  await worker?.terminate();
}

function runOne(worker: Worker, seed: number): Promise<SeedResult> {
  return new Promise<SeedResult>((resolve, reject) => {
    const timeout = setTimeout(() => {
      reject(new Error(`BUG: it did not end within ${SEED_WALL_MS_MAX} ms`));
    }, SEED_WALL_MS_MAX);
    const finish = (settle: () => void) => {
      clearTimeout(timeout);
      worker.off("message", onMessage);
      worker.off("error", onError);
      settle();
    };
    const onMessage = (result: SeedResult) => finish(() => resolve(result));
    const onError = (cause: Error) => {
      finish(() => reject(new Error(`BUG: ${cause.stack ?? cause.message}`)));
    };
    worker.on("message", onMessage);
    worker.on("error", onError);
    worker.postMessage(seed);
  });
}
